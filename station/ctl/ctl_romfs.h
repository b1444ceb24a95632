/* The verbs of stationctl romfs that have a file of their own. */
#ifndef STATION_CTL_CTL_ROMFS_H
#define STATION_CTL_CTL_ROMFS_H

#define ROMFS_MAX_FILE      (256u << 20) /* no flash of these cameras is nearly as large */
#define ROMFS_EXTRACT_USAGE "romfs extract IMG -o DIR"
#define ROMFS_DIFF_USAGE    "romfs diff [--json] OLD NEW"

int ctl_romfs_build(int argc, char **argv);
int ctl_romfs_extract(int argc, char **argv); /* ctl_romfs_files.c */
int ctl_romfs_diff(int argc, char **argv);

#endif
