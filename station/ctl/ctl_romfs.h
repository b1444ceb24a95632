/* The verbs of stationctl romfs that have a file of their own. */
#ifndef STATION_CTL_CTL_ROMFS_H
#define STATION_CTL_CTL_ROMFS_H

int ctl_romfs_build(int argc, char **argv);

#endif
