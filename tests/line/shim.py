"""What makes calls of a program fail while it runs: tests/nth/nth.c, the N-th call of a kind from now on, once or for ever;
and disk_trouble.c, those of a kind on some files until it is told otherwise."""
import mmap
import os
import struct

from harness import BUILD

SHIM = os.path.abspath(f"{BUILD}/tests/nth.so")
KINDS = ["alloc", "file", "sql", "usb", "thread"]


class Board:
    """What the shim shares with us; tests/nth/nth.c has the same layout."""
    FORM = "<IIIIqqq40s"

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(struct.calcsize(self.FORM)))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def arm(self, kind, wanted, forever):
        self.map[:] = struct.pack(self.FORM, 0, KINDS.index(kind), forever, 0, wanted, 0, 0, b"")
        self.map[0] = 1

    def disarm(self):
        """(calls counted, the function that failed or None)."""
        self.map[0] = 0
        _, _, _, _, _, calls, fired, function = struct.unpack(self.FORM, self.map[:])
        return calls, function.rstrip(b"\0").decode() if fired else None


class Trouble:
    """The station of this rig sees a disk that fails as it is told to."""

    def __init__(self, rig):
        self.path = os.path.join(rig.work, "trouble")
        rig.wrap = ("env", f"LD_PRELOAD={os.path.abspath(BUILD)}/tests/disk_trouble.so", f"DISK_TROUBLE={self.path}")

    def set(self, *orders):
        with open(f"{self.path}.new", "w") as f:
            f.write("".join(f"{call} {number} {part}\n" for call, number, part in orders))
        os.rename(f"{self.path}.new", self.path)
