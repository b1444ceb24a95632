/* What this is a version of. */
#ifndef STATION_BASE_VERSION_H
#define STATION_BASE_VERSION_H

#define STATION_VERSION "0.1.0"

#endif
