"""Arms tests/nth/nth.c in a program that runs: the N-th call of a kind from now on fails, once or for ever."""
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
