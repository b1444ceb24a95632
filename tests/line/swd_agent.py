#!/usr/bin/env python3
"""The RAM agent on virtual cores, through stock OpenOCD: erased, programmed, summed up, mounted, read back; and what goes
wrong.  Prints TAP."""
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import zlib

from nest_rig import free_ports

BUILD = os.environ.get("BUILD", "build")
DEADLINE_S = 240
BACKENDS = {"stm32h7": 1, "stm32f4": 2, "stm32f7": 3, "quadspi": 4, "xspi": 5, "flexspi": 6, "mram": 7, "ospi": 8}
tests = []


def test(function):
    tests.append(function)
    return function


class Camera:
    """A virtual core of a board, blank, and the agent's host half in front of it."""

    def __init__(self, board, *options, flash="blank"):
        with open(f"fixtures/boards/{board}.json", encoding="utf-8") as f:
            self.board = json.load(f)
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_ports(1)[0]
        self.core = subprocess.Popen([f"{BUILD}/virtual-core", "--board", board, "--flash", flash, "--speed", "instant",
                                      "--listen", f"127.0.0.1:{self.port}", *options], stderr=subprocess.DEVNULL)
        for _ in range(1000):
            with socket.socket() as s:
                s.settimeout(1)
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            assert self.core.poll() is None, "the core has ended"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        self.folder.cleanup()

    def end(self):
        """Its power goes; with --flash DIR what it held is written there."""
        self.core.terminate()
        self.core.wait()

    def file(self, data, name="data"):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def media(self):
        out = []
        for medium in self.board["media"]:
            swd = self.board["swd"]["media"].get(medium["name"])
            if not swd:
                continue  # no memory at all
            parts = [p for p in self.board["partitions"] if p["medium"] == medium["name"]]
            base = min(int(p["mapped"], 0) for p in parts)
            size = max(int(p["mapped"], 0) + p["size"] for p in parts) - base
            out.append([BACKENDS[swd["backend"]], int(swd["registers"], 0), base, size, swd.get("bank_size", 0),
                        swd.get("mapped_tail_wedge", 0)])
        return out

    def run(self, *verbs, media=None, settings=(), good=True):
        """What the host half prints; asserts that it ends as it should."""
        swd = self.board["swd"]
        agent = swd["agent"]
        command = [f"{BUILD}/tests/swd_agent", "scripts=fixtures/openocd", f"config={swd['config']}", f"port={self.port}",
                   "khz=24000", f"core={agent['core'][1:]}", f"load={agent['load']}:{agent['load_size']}",
                   f"buffers={agent['buffers']}:{agent['buffers_size']}", *settings]
        command += ["medium=" + ":".join(str(n) for n in m) for m in (media or self.media())]
        done = subprocess.run([*command, "--", *verbs], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=DEADLINE_S, check=False)
        assert (done.returncode == 0) == good, done.stdout[-600:]
        return done.stdout

    def put(self, medium, offset, data, erase=0, unit=0, skip=0):
        path = self.file(data, f"put-{medium}-{offset}")
        return f"put:{medium}:{offset}:{erase}:{unit}:{skip}:{path}:0:{len(data)}"

    def read(self, medium, offset, size):
        path = os.path.join(self.folder.name, "read")
        return f"read:{medium}:{offset}:{size}:{path}", path


def some_bytes(size, seed):
    out = bytearray()
    while len(out) < size:
        block = hashlib.sha256(f"{seed} {len(out)}".encode()).digest()
        out += block * (1 + block[0] % 3)
    return bytes(out[:size])


def digest_line(data):
    return f"crc32 {zlib.crc32(data):08x} sha256 {hashlib.sha256(data).hexdigest()}"


def bytes_of(path):
    with open(path, "rb") as f:
        return f.read()


@test
def both_banks_are_programmed_and_read_back():
    data = some_bytes(0x40000 - 77, "h7")
    with Camera("openmv-h7") as c:
        read, path = c.read(0, 0xE0000, len(data))
        out = c.run(c.put(0, 0xE0000, data, 0x40000, 0x20000, 1), "drain", f"digest:0:{0xE0000}:{len(data)}", read, "counts")
        assert digest_line(data) in out and " skipped 2 " in out and " done 1" in out, out
        assert bytes_of(path) == data
        # once programmed is once: the same words again leave check bits that are wrong, and reads that end in a bus error
        again = bytes(reversed(data[:4096]))
        out = c.run(c.put(0, 0xE0000, again), "drain", f"digest:0:{0xE0000}:4096", good=False)
        assert "failed flash-error the flash cannot be read" in out or "failed flash-error the flash says" in out, out
        out = c.run(f"table:0:{0xE0000}:131072:2", f"digest:0:{0x100000}:{len(data) - 0x20000}")
        assert "unit 0 crc32 00000000 flags 2" in out and "unit 1 " in out and digest_line(data[0x20000:]) in out, out
        out = c.run(c.put(0, 0xE0000, again, 0x20000, 0x20000), "drain",
                    f"digest:0:{0xE0000}:4096", f"digest:0:{0x100000}:{len(data) - 0x20000}")
        assert digest_line(data) not in out and digest_line(again) in out and digest_line(data[0x20000:]) in out, out


@test
def an_image_that_ends_with_the_chip_is_mounted_and_read():
    size = 33554432
    with Camera("openmv-h7-plus") as c:
        tree = os.path.join(c.folder.name, "tree", "lib")
        os.makedirs(tree)
        for n in range(30):
            with open(os.path.join(tree, f"file{n}.bin"), "wb") as f:
                f.write(some_bytes(n * 211, n))
        image = os.path.join(c.folder.name, "image")
        subprocess.run([f"{BUILD}/stationctl", "romfs", "build", os.path.dirname(tree), "-b", "openmv-h7-plus", "--no-mpy",
                        "--no-commit-unit", "-o", image], check=True, stdout=subprocess.DEVNULL, timeout=60)
        data = bytes_of(image)
        start = size - len(data)
        padded = bytes([255]) * (start % 65536) + data
        first = size - len(padded)
        read, path = c.read(1, first, len(padded))
        out = c.run(c.put(1, first, padded, len(padded), 65536, 1), "drain", f"digest:1:{start}:{len(data)}" if start % 4 == 0
                    else f"digest:1:{first}:{len(padded)}", f"mount:1:{start}:{len(data)}:{image}", read, "close",
                    f"mount:1:{start}:{len(data)}:{image}")
        assert "mounted 0 " in out and " files 30 " in out, out
        assert bytes_of(path) == padded
        # another image than the one that stands there
        wrong = c.file(data[:-1] + bytes([data[-1] ^ 1]), "wrong")
        out = c.run(f"mount:1:{start}:{len(data)}:{wrong}", good=False)
        assert "failed romfs-bad" in out, out


@test
def a_table_tells_which_units_differ():
    data = some_bytes(8 * 65536, "delta")
    with Camera("openmv-h7-plus") as c:
        out = c.run("table:1:0:65536:9", c.put(1, 0, data, len(data), 65536, 1), "drain", "table:1:0:65536:9", "counts")
        lines = [line for line in out.splitlines() if line.startswith("unit ")]
        assert lines[:9] == [f"unit {n} crc32 deab7e4e flags 1" for n in range(9)], lines
        assert lines[9:] == [f"unit {n} crc32 {zlib.crc32(data[n * 65536:(n + 1) * 65536]):08x} flags 0" for n in range(8)] + [
            "unit 8 crc32 deab7e4e flags 1"], lines


@test
def sectors_of_every_size_are_programmed():
    # the unit each offset has
    layouts = {"openmv-m4": [(0x8000, 0x4000), (0xC000, 0x4000), (0x10000, 0x10000), (0x20000, 0x20000), (0xE0000, 0x20000)],
               "openmv-m7": [(0x8000, 0x8000), (0x18000, 0x8000), (0x20000, 0x20000), (0x40000, 0x40000), (0x1C0000, 0x40000)]}
    for board, rows in layouts.items():
        with Camera(board) as c:
            verbs = []
            for offset, unit in rows:
                data = some_bytes(unit - 5, offset)
                verbs += [c.put(0, offset, data, unit, unit), "drain", f"digest:0:{offset}:{len(data)}"]
            out = c.run(*verbs, "counts")
            for offset, unit in rows:
                assert digest_line(some_bytes(unit - 5, offset)) in out, (board, hex(offset), out)
            out = c.run(c.put(0, 0x8000, b"x" * 64, 0x1000, 0x1000), "drain", good=False)
            assert "failed internal" in out, out


@test
def flash_that_is_not_there_is_said_at_the_start():
    with Camera("openmv-h7-plus") as c:
        media = c.media()
        larger = [media[0], [*media[1][:3], media[1][3] * 2, *media[1][4:]]]
        assert "failed wrong-board" in c.run(media=larger, good=False)
        none = [media[0], [8, *media[1][1:]]]
        none[1][0] = 11
        assert "failed agent-foreign" in c.run(media=none, good=False)
        assert "failed board-invalid" in c.run(settings=["load=0x20000000:4096"], good=False)
        assert "failed board-invalid" in c.run(settings=["buffers=0x24000000:16384"], good=False)


@test
def a_core_that_stops_is_silent():
    with Camera("openmv-h7-plus") as c:
        out = c.run("tcl:halt", "digest:0:0:4096", settings=["silent=400"], good=False)
        assert "failed agent-silent the agent has stood still for 400 ms" in out, out
        # and another start finds it well
        out = c.run(f"digest:0:{0x20000}:4096")
        assert digest_line(b"\xFF" * 4096) in out, out
        # a fault of the agent itself: its stack pointer leads nowhere
        out = c.run("tcl:halt; reg sp 0x00000100; resume", "digest:0:0:4096", settings=["silent=400"], good=False)
        assert "failed agent-silent" in out or "failed swd-lost" in out, out


@test
def what_compresses_is_compressed_only_where_the_wire_limits():
    text, noise = b"camera " * 40000, os.urandom(280000)
    with Camera("openmv-h7-plus") as c:
        out = c.run(c.put(1, 0, text, 5 * 65536, 65536, 1), "drain", "counts", c.put(1, 0x80000, noise, 5 * 65536, 65536, 1),
                    "drain", "counts", f"digest:1:0:{len(text)}", f"digest:1:{0x80000}:{len(noise)}")
        counts = [dict(zip(w[1::2], map(int, w[2::2]))) for w in
                  (line.split() for line in out.splitlines() if line.startswith("counts "))]
        assert digest_line(text) in out and digest_line(noise) in out
        assert counts[0]["compressed"] >= 1 and counts[0]["wire"] < counts[0]["bytes"], counts
        assert counts[1]["compressed"] == counts[0]["compressed"], counts
        assert counts[1]["wire"] - counts[0]["wire"] <= len(noise) + 4 * counts[1]["buffers"], counts


def main():
    failed = 0
    print(f"1..{len(tests)}")
    for number, function in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} - {function.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {function.__name__}\n# {e!r}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
