#!/usr/bin/env python3
"""The DFU transport on virtual cameras: build/tests/transport_dfu does what lines of text say, see its source."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from harness import BUILD, STATION_BUILD, Tests, equal, until

BLOCK = 4096
test = Tests()


class Line:
    """A virtual line whose COMMAND is the driver; faults are SPECs without their camera."""

    def __init__(self, board="openmv-h7-plus", cameras=1, mode="hold", faults=(), options=(), ready=True, wrap=()):
        self.work = tempfile.mkdtemp(prefix="romline-dfu-")
        self.control_path, book = f"{self.work}/control", f"{self.work}/faults"
        with open(book, "w") as f:
            f.writelines(f"camera=1 {spec}\n" for spec in faults)
        with open(f"fixtures/boards/{board}.json") as f:
            self.board = json.load(f)
        self.process = subprocess.Popen(
            [f"{BUILD}/virtual-line", "--cameras", str(cameras), "--board", board, "--mode", mode, "--flash", "factory",
             "--speed", "instant", "--faults", book, "--control", self.control_path, *options, "--", *wrap,
             f"{STATION_BUILD}/tests/transport_dfu", f"fixtures/boards/{board}.json"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        equal(self.process.stdout.readline(), "ready\n", "the driver")
        if ready:
            self.ok("arrive 5000")
            self.ok("open")
            self.who = self.ok("identify").split()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        shutil.rmtree(self.work, ignore_errors=True)
        if kind is None:
            equal(status, 0, "exit status")

    def send(self, command, path="1-1.1"):
        self.process.stdin.write(f"{path} {command}\n")

    def answer(self, path="1-1.1"):
        line = self.process.stdout.readline().rstrip("\n")
        if not line.startswith(path + " "):
            raise AssertionError(f"got {line!r}")
        return line[len(path) + 1:]

    def do(self, command, path="1-1.1"):
        self.send(command, path)
        return self.answer(path)

    def ok(self, command, path="1-1.1"):
        answer = self.do(command, path)
        if not answer.startswith("ok"):
            raise AssertionError(f"{command}: {answer}")
        return answer[3:]

    def fails(self, command, code, path="1-1.1"):
        answer = self.do(command, path)
        if not answer.startswith(f"fail {code} "):
            raise AssertionError(f"{command}: {answer}, want {code}")
        return answer

    def all(self, command):
        self.process.stdin.write(f"* {command}\n")
        rows = {}
        while True:
            path, _, answer = self.process.stdout.readline().rstrip("\n").partition(" ")
            if path in ("*", ""):
                return rows
            rows[path] = answer

    def control(self, line):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(60)
            s.connect(self.control_path)
            s.sendall(line.encode() + b"\n")
            answer = s.makefile().readline().rstrip("\n")
        if not answer.startswith("ok"):
            raise AssertionError(f"{line}: {answer}")
        return json.loads(answer[3:]) if answer[3:4] in ("{", "[") else answer[3:]

    def camera(self, number=1):
        return self.control("state")["cameras"][number - 1]

    def dump(self, partition, size):
        self.control(f"dump 1 {partition} {self.work}/dump")
        with open(f"{self.work}/dump", "rb") as f:
            return f.read(size)

    def driver_pid(self):
        def children(pid):
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                return [int(p) for p in f.read().split()]
        found = [self.process.pid]
        for pid in found:
            found += children(pid)
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f.read().split(b"\0")[0].endswith(b"transport_dfu"):
                    return pid
        raise AssertionError("the driver does not run")


def together(work, rows):
    """Lines of their own, side by side, since most of their time is waiting; what failed says in which row."""
    def one(row):
        try:
            work(*row)
        except AssertionError as error:
            raise AssertionError(f"{' '.join(str(word) for word in row)}: {error}") from None
    with ThreadPoolExecutor(max_workers=8) as pool:
        for done in [pool.submit(one, row) for row in rows]:
            done.result()


def wanted(size, seed):
    """What the driver writes with this seed."""
    out = bytearray()
    for word in range(size // 4):
        x = ((word + seed * 0x9E3779B9) * 2654435761) & 0xFFFFFFFF
        out += (x & 0x7F7F7F7F).to_bytes(4, "little")
    return bytes(out)


@test
def identify():
    """a camera is latched, named and known by its UID, on every board"""
    def check(board):
        dfuse = board.startswith("arduino-")  # waits for nobody, so it is forced to stay
        with Line(board, mode="hold" if dfuse else "boot", options=["--windows", "5"]) as line:
            camera = line.camera()
            equal(line.who[0], camera["dfu_serial"], "serial")
            equal(line.who[1], camera["uid"], "uid")
            equal(line.who[2], "0200" if dfuse else "0103", "version")
            names = [a["text"] for a in line.board["bootloader"].get("alternates", ())] or \
                [p["name"] for p in line.board["partitions"]]
            equal(line.who[3:], " ".join(names).split(), "alternates")
            equal(camera["latched"], True, "latched")
    def has_dfu(name):
        with open(f"fixtures/boards/{name}") as f:
            return json.load(f)["bootloader"] is not None
    together(check, [(name[:-5],) for name in sorted(os.listdir("fixtures/boards")) if name.endswith(".json") and has_dfu(name)])


@test
def window():
    """a camera that nobody latches is gone, and says so"""
    with Line(mode="boot", ready=False) as line:
        line.ok("arrive 5000")
        line.ok("open")
        line.control("wait 1 run 10000")
        line.fails("identify", "usb-gone")
        line.ok("close")
        line.ok("arrive-run 5000")


@test
def write_and_read():
    """256 KiB are written and read back on every medium; the flash holds them"""
    def check(board, partition, blocks, manifest=""):
        with Line(board) as line:
            done = line.ok(f"write {partition} 0 {blocks} 7 {manifest}").split()
            equal(int(done[0]), blocks + bool(manifest), "steps")
            equal(int(done[1]), (blocks + bool(manifest)) * BLOCK, "progress")
            equal(line.ok(f"read {partition} 0 {blocks * BLOCK} 7").split()[0], "same", "bytes")
            equal(line.ok(f"read {partition} 0 {blocks * BLOCK} 8").split()[0], "differs", "other bytes")
            equal(line.dump(partition, blocks * BLOCK), wanted(blocks * BLOCK, 7), "flash")
    together(check, (("openmv-h7-plus", "ROMFS0", 64), ("openmv-n6", "ROMFS0", 64, "manifest"),
                     ("openmv-h7", "ROMFS0", 32), ("openmv-m4", "FIRMWARE", 64, "manifest"),
                     ("arduino-portenta-h7", "ROMFS0", 64), ("arduino-giga", "FIRMWARE", 64), ("arduino-giga", "BT", 8),
                     ("openmv-m7", "ROMFS0", 64), ("openmv-ae3", "ROMFS0", 64), ("openmv-ae3", "ROMFS1", 64, "manifest")))


@test
def pieces():
    """reads begin at any block and end at any byte"""
    with Line() as line:
        line.ok("write ROMFS0 0 32 3")
        for offset, size in ((0, 1), (0, 4095), (0, 4096), (0, 4097), (4096, 8192), (8192, 70001), (126976, 4096)):
            equal(line.ok(f"read ROMFS0 {offset} {size} 3").split()[0], "same", f"{offset} {size}")
        equal(line.ok("read ROMFS0 4096 0 3").split()[0], "same", "nothing")
        line.fails("read ROMFS0 100 4096 3", "internal")
        line.fails("read ROMFS0 8384512 8192 3", "internal")
        line.fails("read-refuse ROMFS0", "conflict")
        equal(line.ok("read ROMFS0 0 131072 3").split()[0], "same", "after the refusal")


@test
def probe():
    """a partition's size is proved; a smaller or larger one is another board"""
    with Line() as line:
        for p in line.board["partitions"]:
            if p.get("readable", True):
                line.ok(f"probe {p['name']}")
        line.fails("probe-as ROMFS0 4194304", "wrong-board")
        line.fails("probe-as ROMFS0 16777216", "wrong-board")
        line.ok("write ROMFS0 0 16 1")


@test
def refuse():
    """what must not be written is refused before anything is sent"""
    with Line("openmv-ae3") as line:
        line.fails("write BOOT 0 1 1", "partition-forbidden")
        line.fails("write TOC 0 1 1", "partition-forbidden")
        line.fails("write ROMFS0 6143 2 1", "internal")


@test
def leave():
    """the camera goes to its firmware and comes back with its run-mode serial, whatever its bootloader"""
    def check(version, mode):
        with Line(mode=mode, options=["--bootloader", version, "--windows", "3"]) as line:
            line.ok("write ROMFS0 0 4 1")
            line.ok("leave")
            line.ok("close")
            equal(line.ok("arrive-run 10000").split()[0], line.board["usb"]["run"], "id")
            equal(line.ok("serial"), line.camera()["run_serial"], "serial")
    together(check, [(version, mode) for version in ("1.0.3", "1.0.1", "0200") for mode in ("boot", "hold")])


@test
def leave_without_detach():
    """a camera that refuses DETACH, or does not hear it, leaves by a bus reset"""
    for deed in ("stall", "lie"):
        with Line(mode="hold", faults=[f"at=detach times=9 do={deed}"]) as line:
            line.ok("leave")
            line.ok("close")
            line.ok("arrive-run 10000")


@test
def leave_after_failure():
    """a camera whose flash failed can still be sent to its firmware"""
    with Line(faults=["at=dnload partition=ROMFS0 block=3 do=status:errWRITE"]) as line:
        line.fails("write ROMFS0 0 8 1", "flash-error")
        line.ok("leave")
        line.ok("close")
        line.ok("arrive-run 10000")


# fault, command, code; the camera must be usable afterwards unless it is gone
TROUBLE = (
    ("at=dnload block=5 do=status:errWRITE", "write ROMFS0 0 16 1", "flash-error"),
    ("at=getstatus block=5 do=status:errVERIFY", "write ROMFS0 0 16 1", "flash-error"),
    ("at=erase do=status:errERASE", "write ROMFS0 0 16 1", "flash-error"),
    ("at=program block=5 do=status:errPROG", "write ROMFS0 0 16 1", "flash-error"),
    ("at=getstatus block=5 do=status:errADDRESS", "write ROMFS0 0 16 1", "usb-protocol"),
    ("at=dnload block=5 times=9 do=stall", "write ROMFS0 0 16 1", "usb-protocol"),
    ("at=getstatus block=5 times=9 do=stall", "write ROMFS0 0 16 1", "usb-protocol"),
    ("at=getstatus block=5 times=9 do=short:3", "write ROMFS0 0 16 1", "usb-protocol"),
    ("at=getstatus block=5 times=9 do=garbage", "write ROMFS0 0 16 1", "usb-protocol"),
    ("at=getstatus block=5 do=long:3", "write ROMFS0 0 16 1", "usb-protocol"),
    ("at=upload block=5 do=short:100", "read ROMFS0 0 65536 1", "usb-protocol"),
    ("at=upload block=5 do=long:9", "read ROMFS0 0 65536 1", "usb-protocol"),
    ("at=upload block=5 times=9 do=stall", "read ROMFS0 0 65536 1", "usb-protocol"),
    ("at=set-interface partition=ROMFS0 do=stall", "read ROMFS0 0 65536 1", "usb-protocol"),
)


@test
def trouble():
    """each trouble on the wire has its code, and the camera can be used after it"""
    def check(fault, command, code):
        with Line(faults=[fault.replace("block", "partition=ROMFS0 block")]) as line:
            line.fails(command, code)
            line.control("clear 1")
            line.ok("write ROMFS0 0 16 2")
            equal(line.ok("read ROMFS0 0 65536 2").split()[0], "same", "afterwards")
    together(check, TROUBLE)


# each once; a DNLOAD that is lost in silence goes out again once GETSTATUS has shown that it was not taken
MENDED = (
    "at=dnload partition=ROMFS0 block=5 do=stall",
    "at=dnload partition=ROMFS0 block=5 do=silent",
    "at=getstatus partition=ROMFS0 block=5 do=stall",
    "at=getstatus partition=ROMFS0 block=5 do=garbage",
    "at=getstatus partition=ROMFS0 block=5 nth=2 do=short:5",
    "at=upload partition=ROMFS0 block=5 do=stall",
    "at=upload partition=ROMFS0 block=5 do=silent",
)


@test
def mended():
    """one lost or refused transfer is mended where GETSTATUS shows how, and no block is programmed twice"""
    def check(board, fault):
        with Line(board, faults=[fault]) as line:
            line.ok("write ROMFS0 0 16 1")
            equal(line.ok("read ROMFS0 0 65536 1").split()[0], "same", "bytes")
            equal(line.dump("ROMFS0", 65536), wanted(65536, 1), "flash")
            equal(line.camera()["fired"], 1, "faults fired")
    together(check, [(board, fault) for board in ("openmv-h7-plus", "openmv-h7") for fault in MENDED])


@test
def silence():
    """a camera that stays silent is given up"""
    def check(*faults):
        with Line(faults=faults) as line:
            line.fails("write ROMFS0 0 16 1", "usb-timeout")
    together(check, (("at=dnload partition=ROMFS0 block=5 do=silent", "at=getstatus times=100 do=silent"),
                     ("at=getstatus partition=ROMFS0 block=5 nth=2 times=100 do=silent",),
                     ("at=dnload times=100 do=silent",)))


@test
def gone():
    """a camera that is unplugged, by hand or by fault, ends the call at once"""
    with Line(options=["--speed", "1"]) as line:
        line.send("write ROMFS0 0 2000 1")
        until(lambda: line.dump("ROMFS0", 21 * BLOCK)[-1] != 0xFF, "some blocks are written")
        line.control("unplug 1")
        if not line.answer().startswith("fail usb-gone "):
            raise AssertionError("not usb-gone")
        line.ok("close")
        line.ok("gone 5000")
        line.control("plug 1")
        line.ok("arrive 5000")
        line.ok("open")
        line.ok("identify")

    def check(fault, command):
        with Line(faults=[fault.replace(" do", " partition=ROMFS0 do")]) as line:
            line.fails(command, "usb-gone")
    together(check, (("at=upload block=30 do=unplug", "read ROMFS0 0 1000000 1"),
                     ("at=getstatus block=7 do=power-cut", "write ROMFS0 0 16 1"),
                     ("at=dnload block=7 do=early-boot", "write ROMFS0 0 16 1"),
                     ("at=set-interface do=unplug", "read ROMFS0 0 65536 1")))


@test
def opening():
    """permissions that come late are waited for; a denied or claimed camera says which"""
    with Line(faults=["at=open times=5 do=eacces"]):
        pass
    with Line(faults=["at=open times=10000 do=eacces"], ready=False) as line:
        line.ok("arrive 5000")
        line.fails("open", "usb-denied")
        line.ok("close")
    with Line(faults=["at=open times=10000 do=ebusy"], ready=False) as line:
        line.ok("arrive 5000")
        line.fails("open", "usb-busy")
        line.ok("close")


@test
def descriptors():
    """string descriptors that are refused, garbled or too long are survived"""
    with Line(faults=["at=descriptor nth=1 times=2 do=stall"]):
        pass

    def check(deed, code):
        with Line(faults=[f"at=descriptor times=100 do={deed}"], mode="hold", ready=False) as line:
            line.ok("arrive 5000")
            line.ok("open")
            line.fails("identify", code)
    together(check, (("stall", "usb-protocol"), ("silent", "usb-timeout"), ("long:2", "usb-protocol"),
                     ("garbage", "usb-protocol")))
    # what is garbled once is asked again
    with Line(mode="hold") as line:
        want = line.who
    for fault in ("nth=3 times=1", "times=1"):
        with Line(faults=[f"at=descriptor {fault} do=garbage"], mode="hold") as line:
            equal(line.who, want, "who it is")


@test
def cancel():
    """a cancelled write ends behind the block that is out"""
    with Line() as line:
        line.ok("cancel-at 40960")
        answer = line.fails("write ROMFS0 0 64 1", "aborted")
        equal(answer.split()[-1], "11", "done")
        line.ok("write ROMFS0 0 64 2")
        equal(line.ok("read ROMFS0 0 262144 2").split()[0], "same", "afterwards")


@test
def many():
    """sixteen cameras work at once"""
    with Line("openmv-n6", cameras=16, mode="hold", ready=False) as line:
        for k in range(16):
            line.ok("arrive 10000", f"1-{k // 8 + 1}.{k % 8 + 1}")
        for command in ("open", "identify", "probe ROMFS0", "write ROMFS0 0 128 5", "read ROMFS0 0 524288 5", "leave",
                        "close"):
            rows = line.all(command)
            equal(len(rows), 16, command)
            for path, answer in rows.items():
                if not answer.startswith("ok") or "differs" in answer:
                    raise AssertionError(f"{path} {command}: {answer}")
        for k in range(16):
            line.ok("arrive-run 10000", f"1-{k // 8 + 1}.{k % 8 + 1}")


@test
def comings_and_goings():
    """each of 40 replugs is an arrival of its own"""
    with Line(ready=False) as line:
        last = int(line.ok("arrive 5000").split()[1])
        for _ in range(40):
            line.control("unplug 1")
            line.ok("gone 5000")
            line.control("plug 1 hold")
            now = int(line.ok("arrive 5000").split()[1])
            if now <= last:
                raise AssertionError(f"arrival {now} behind {last}")
            last = now
        line.ok("open")
        line.ok("identify")


@test
def lost_events():
    """when uevents are lost, sysfs is believed, and the camera can still be opened"""
    with Line(cameras=16, mode="hold", ready=False) as line:
        line.ok("arrive 5000")
        line.ok("open")
        line.ok("identify")
        before = int(line.ok("arrive 5000", "1-2.1").split()[1])
        line.ok("deafen")
        pid = line.driver_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(4):
                line.control("drop 2")
                line.control("restore 2")
                line.control("wait 16 boot 5000")
            line.control("unplug 9")
            line.control("plug 9 hold")
            line.control("wait 9 boot 5000")
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: int(line.ok("arrive 5000", "1-2.1").split()[1]) > before, "a new arrival")
        line.ok("open", "1-2.1")
        line.ok("identify", "1-2.1")
        line.ok("write ROMFS0 0 16 1", "1-2.1")
        line.ok("write ROMFS0 0 16 1")


if __name__ == "__main__":
    test.main()
