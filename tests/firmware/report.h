/* What the vector program prints, the same on every machine: text without printf, and the deepest stack of each kind of
 * call, which goes to the console since a host has none to tell. */
#ifndef TESTS_FIRMWARE_REPORT_H
#define TESTS_FIRMWARE_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* The driver's entry points, as the static analysis names them. */
#define CALLS(X)                                                                                                       \
	X(romfs_verify)                                                                                                \
	X(vfs_rom_init)                                                                                                \
	X(vfs_mount)                                                                                                   \
	X(vfs_umount)                                                                                                  \
	X(vfs_open)                                                                                                    \
	X(vfs_stat)                                                                                                    \
	X(vfs_statvfs)                                                                                                 \
	X(vfs_ilistdir)                                                                                                \
	X(vfs_next)                                                                                                    \
	X(vfs_chdir)                                                                                                   \
	X(vfs_import_stat)                                                                                             \
	X(vfs_file_read)                                                                                               \
	X(vfs_file_seek)                                                                                               \
	X(vfs_boot)                                                                                                    \
	X(rom_ioctl)
enum measured_call {
#define AS_MEMBER(name) CALL_##name,
	CALLS(AS_MEMBER)
#undef AS_MEMBER
	    CALL_COUNT
};

/* The call's value; how deep it went is kept. */
#define MEASURED(name, ...)                                                                                            \
	__extension__({                                                                                                \
		port_stack_mark();                                                                                     \
		__auto_type value_ = name(__VA_ARGS__);                                                                \
		report_stack(CALL_##name, port_stack_used());                                                          \
		value_;                                                                                                \
	})

int report_open(const char *path);
int report_close(void);
void report_stack(enum measured_call call, uint32_t used);
void report_stacks(void);

void put(const char *text);
/* As decimal. */
void put_number(int64_t value);
/* In front of it a space and the name. */
void put_value(const char *name, int64_t value);
void put_hex(uint32_t value);
/* Bytes; what is not printable, a space or a backslash as \xNN. */
void put_bytes(const void *bytes, size_t size);
/* A line for the console: words, a number, a line end. */
void note(const char *words, const char *name, uint32_t value);

#endif
