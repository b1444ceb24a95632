/* The verbs of stationctl romfs that have a file of their own. */
#ifndef STATION_CTL_CTL_ROMFS_H
#define STATION_CTL_CTL_ROMFS_H

#define ROMFS_MAX_FILE (256u << 20) /* no flash of these cameras is nearly as large */
#define ROMFS_BUILD_USAGE                                                                                              \
	"romfs build DIR -b BOARD -o OUT [-p PARTITION] [--no-commit-unit] [--layout openmv] "                         \
	"[--align GLOB=N] [--mpy | --mpy-cross CMD | --no-mpy] [--keep-py GLOB] [--convert GLOB=CMD] [--json]"
#define ROMFS_NEW_USAGE     "romfs new [-f] [-b BOARD [-p PARTITION]] [--no-commit-unit] IMG"
#define ROMFS_EXTRACT_USAGE "romfs extract IMG -o DIR"
#define ROMFS_DIFF_USAGE    "romfs diff [--json] OLD NEW"
#define ROMFS_ADD_USAGE     "romfs add [-f] [-b BOARD [-p PARTITION]] IMG FILE|DIR [PATH]"
#define ROMFS_MKDIR_USAGE   "romfs mkdir [--parents] [-b BOARD [-p PARTITION]] IMG PATH..."
#define ROMFS_MV_USAGE      "romfs mv [-f] [-b BOARD [-p PARTITION]] IMG OLD NEW"
#define ROMFS_RM_USAGE      "romfs rm [-r] [-b BOARD [-p PARTITION]] IMG PATH..."
#define ROMFS_EDIT_USAGE    "romfs edit [-b BOARD [-p PARTITION]] IMG"

int ctl_romfs_build(int argc, char **argv);
int ctl_romfs_new(int argc, char **argv);
int ctl_romfs_extract(int argc, char **argv); /* ctl_romfs_files.c */
int ctl_romfs_diff(int argc, char **argv);
int ctl_romfs_add(int argc, char **argv); /* ctl_romfs_verbs.c */
int ctl_romfs_mkdir(int argc, char **argv);
int ctl_romfs_mv(int argc, char **argv);
int ctl_romfs_rm(int argc, char **argv);
int ctl_romfs_edit(int argc, char **argv);

/* With a plugged camera: ctl_romfs_camera.c, ctl_romfs_deploy.c. */
#define ROMFS_QUERY_USAGE  "romfs query [-p PARTITION] " ROMFS_WHICH
#define ROMFS_READ_USAGE   "romfs read [-p PARTITION] [--image] -o OUT " ROMFS_WHICH
#define ROMFS_DEPLOY_USAGE "romfs deploy [-p PARTITION] [--unrecorded] " ROMFS_WHICH " IMG|DIR|RECIPE"
#define ROMFS_RESET_USAGE  "romfs reset [-p PARTITION] [--unrecorded] " ROMFS_WHICH " IMG|DIR"
#define ROMFS_WHICH        "[--slot N | --path PATH | --all] [--wait SECONDS] [-c CONF | --url U]"

int ctl_romfs_query(int argc, char **argv);
int ctl_romfs_read(int argc, char **argv);
int ctl_romfs_deploy(int argc, char **argv);
int ctl_romfs_reset(int argc, char **argv);

#endif
