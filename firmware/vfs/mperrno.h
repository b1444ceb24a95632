/* MicroPython's own error numbers (py/mperrno.h), the same on every port whatever the C library says.  Calls answer 0
 * or more when they are done and one of these, negative, where MicroPython raises OSError or returns it. */
#ifndef FIRMWARE_VFS_MPERRNO_H
#define FIRMWARE_VFS_MPERRNO_H

enum {
	VFS_EPERM = 1,
	VFS_ENOENT = 2,
	VFS_EIO = 5,
	VFS_ENOMEM = 12,
	VFS_ENODEV = 19,
	VFS_EISDIR = 21,
	VFS_EINVAL = 22,
	VFS_EROFS = 30,
	VFS_EOPNOTSUPP = 95
};

#endif
