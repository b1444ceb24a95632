#!/usr/bin/env python3
"""The virtual line, judged by dfu-util: an unmodified program that knows nothing of us must list, write, read and leave
cameras of every board as it would real ones."""
import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from harness import BUILD, Tests, equal

test = Tests()
LIMIT_S = 60  # bounds a failure; nothing here takes that long


def board(name):
    with open(f"fixtures/boards/{name}.json") as f:
        return json.load(f)


def with_dialect(dialect):
    """The boards whose bootloader speaks it; some are reached over SWD alone."""
    names = sorted(os.path.basename(p)[:-5] for p in glob.glob("fixtures/boards/*.json"))
    return [n for n in names if (board(n)["bootloader"] or {}).get("dialect") == dialect]


BOARDS = with_dialect("openmv")


def partition(name, part):
    return next(p for p in board(name)["partitions"] if p["name"] == part)


def noise(size, seed=1):
    out = bytearray()
    state = seed
    while len(out) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out += (state >> 16).to_bytes(6, "little")
    return bytes(out[:size])


class Line:
    """A virtual line whose COMMAND is a shell that takes our orders."""

    def __init__(self, boards, *options, cameras=1, speed="instant", program="virtual-line", prefix=(), binary=None):
        self.work = tempfile.mkdtemp(prefix="romline-line-")
        os.chmod(self.work, 0o777)
        self.control_path = os.path.join(self.work, "control")
        command = [*prefix, binary or f"{BUILD}/{program}", "--cameras", str(cameras), "--board", boards, "--boards",
                   os.path.abspath("fixtures/boards"), "--speed", speed, "--control", self.control_path, *options, "--", "sh"]
        self.log = open(os.path.join(self.work, "log"), "w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.said = ""
        self.run("true")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.end()
        if kind:
            print(f"# last output: {self.said!r}\n# log: {self.logged()!r}")
        self.log.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def logged(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def run(self, command):
        """Exit status; what was printed is kept in self.said."""
        self.process.stdin.write(f"{{ {command}\n}} 2>&1 </dev/null; S=$?; echo; echo END-$S\n")
        self.process.stdin.flush()
        out = []
        for text in self.process.stdout:
            if text.startswith("END-"):
                self.said = "".join(out)
                return int(text[4:])
            out.append(text)
        raise AssertionError(f"the line ended with {self.process.wait()}: {self.logged()}")

    def good(self, command):
        status = self.run(command)
        if status:
            raise AssertionError(f"{command}: status {status}: {self.said}")
        return self.said

    def bad(self, command, words=""):
        status = self.run(command)
        if not status or words not in self.said:
            raise AssertionError(f"{command}: status {status}, wanted {words!r}: {self.said}")
        return self.said

    def control(self, line):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(LIMIT_S)
            s.connect(self.control_path)
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline().rstrip("\n")

    def order(self, line):
        answer = self.control(line)
        if answer.split(" ")[0] != "ok":
            raise AssertionError(f"{line}: {answer}")
        return json.loads(answer[3:]) if answer[3:] else None

    def refused(self, line, words=""):
        answer = self.control(line)
        if not answer.startswith("error ") or words not in answer:
            raise AssertionError(f"{line}: {answer}, wanted an error with {words!r}")

    def camera(self, number=1):
        return self.order("state")["cameras"][number - 1]

    def file(self, name, data=None):
        path = os.path.join(self.work, name)
        if data is not None:
            with open(path, "wb") as f:
                f.write(data)
        return path

    def read(self, name):
        with open(self.file(name), "rb") as f:
            return f.read()

    def dump(self, part, number=1):
        self.order(f"dump {number} {part} {self.file('dump')}")
        return self.read("dump")

    def upload(self, part, *options):
        path = self.file("upload")
        if os.path.exists(path):
            os.unlink(path)  # dfu-util does not overwrite
        self.good(f"dfu-util -a {part} {' '.join(options)} -U {path}")
        return self.read("upload")

    def latch(self, number=1):
        self.upload("0", f"-p {self.camera(number)['path']}")


def found(text):
    """The lines of `dfu-util -l` as dictionaries."""
    rows = []
    for line in text.splitlines():
        if line.startswith("Found DFU: "):
            row = dict(word.split("=", 1) for word in line.replace(",", "").split() if "=" in word)
            row["id"] = line.split("[")[1].split("]")[0]
            rows.append({k: v.strip('"') for k, v in row.items()})
    return rows


@test
def lists_every_board():
    """dfu-util lists every board with the alternates of its board file"""
    with Line(",".join(BOARDS), "--mode", "hold", cameras=len(BOARDS)) as line:
        rows = found(line.good("dfu-util -l"))
        for number, name in enumerate(BOARDS, 1):
            b, camera = board(name), line.camera(number)
            mine = [r for r in rows if r["path"] == f"1-1.{number}"]
            equal(sorted((int(r["alt"]), r["name"]) for r in mine), sorted((p["alt"], p["name"]) for p in b["partitions"]), name)
            equal({(r["id"], r["ver"], r["serial"]) for r in mine}, {(b["usb"]["dfu"], "0103", camera["dfu_serial"])}, name)
            equal(camera["uid"], camera["dfu_serial"].lower(), name)


@test
def writes_and_reads_every_board():
    """what dfu-util writes into ROMFS0 by name it reads back, with the bootloader's four bytes at the end"""
    for name in BOARDS:
        size = partition(name, "ROMFS0")["size"]
        data = noise(min(size, 200000) - 96)
        with Line(name, "--mode", "hold") as line:
            line.good(f"dfu-util -a ROMFS0 -D {line.file('image', data)}")
            back = line.upload("ROMFS0")
            equal(len(back), size + 4, name)
            equal(back[:len(data)] == data, True, f"{name}: the bytes")
            equal(back[-4:], bytes(4), name)
            equal(line.dump("ROMFS0") == back[:-4], True, f"{name}: dump and upload")
            equal(line.camera()["latched"], True, name)


@test
def reads_every_partition():
    """every partition of every board by number: its contents and four bytes; the AE3's RECOVERY gives nothing"""
    for name in BOARDS:
        with Line(name, "--mode", "hold") as line:
            for part in board(name)["partitions"]:
                if part["size"] > 8 << 20:  # takes long, and is no other code
                    continue
                path = line.file(part["name"])
                line.good(f"dfu-util -a {part['alt']} -U {path}")
                got = line.read(part["name"])
                if part["readable"]:
                    equal(got == line.dump(part["name"]) + bytes(4), True, f"{name} {part['name']}: {len(got)} bytes")
                else:
                    equal(got, b"", f"{name} {part['name']}")
                os.unlink(path)
            line.bad(f"dfu-util -a NOSUCH -U {line.file('none')}", "No DFU capable USB device")
            line.bad(f"dfu-util -a {len(board(name)['partitions'])} -U {line.file('none')}", "No DFU capable USB device")


@test
def downloads_nothing():
    """a zero-length download manifests, changes nothing, and the camera goes on"""
    for name in ("openmv-n6", "openmv-ae3", "openmv-h7"):  # dfu-util sleeps a second each
        with Line(name, "--mode", "hold") as line:
            before = line.dump("ROMFS0")
            line.good(f"dfu-util -a ROMFS0 -D {line.file('empty', b'')}")
            equal(line.dump("ROMFS0") == before, True, name)
            line.good(f"dfu-util -a ROMFS0 -D {line.file('byte', b'x')}")
            equal(line.dump("ROMFS0")[:1], b"x", name)


@test
def a_whole_partition_goes_through():
    """a file as large as the partition is taken, one byte more ends in errADDRESS"""
    size = partition("openmv-h7", "ROMFS0")["size"]
    with Line("openmv-h7", "--mode", "hold") as line:
        line.good(f"dfu-util -a ROMFS0 -D {line.file('whole', noise(size))}")
        equal(line.dump("ROMFS0") == noise(size), True, "the bytes")
        said = line.bad(f"dfu-util -a ROMFS0 -D {line.file('more', noise(size + 1))}")
        equal("status(8)" in said or "address" in said.lower(), True, said)


@test
def the_bootloader_is_read_only():
    """a write to the bootloader's own partition ends in errWRITE and changes nothing"""
    with Line("openmv-n6", "--mode", "hold") as line:
        before = line.dump("BOOTLOADER")
        said = line.bad(f"dfu-util -a BOOTLOADER -D {line.file('image', noise(4096))}")
        equal("status(3)" in said or "Unable to write" in said or "errWRITE" in said, True, said)
        equal(line.dump("BOOTLOADER") == before, True, "unchanged")


@test
def leaves_by_detach():
    """DETACH starts the firmware: the camera returns on its path with run id and run serial"""
    for name in BOARDS:
        with Line(name, "--mode", "hold", "--windows", "0.1") as line:
            camera = line.camera()
            line.good("dfu-util -a 0 -e")
            line.order("wait 1 run 60000")
            shown = line.good("cat /sys/bus/usb/devices/1-1.1/idVendor /sys/bus/usb/devices/1-1.1/idProduct "
                              "/sys/bus/usb/devices/1-1.1/serial").split()
            equal(":".join(shown[:2]) + " " + shown[2], board(name)["usb"]["run"] + " " + camera["run_serial"], name)
            equal(len(shown[2]), 16 if name == "openmv-ae3" else 12, name)


@test
def old_bootloaders_leave_by_reset():
    """a forced old bootloader ignores DETACH and leaves by a bus reset; a current one obeys"""
    for version, release in (("0200", "0200"), ("1.0.1", "0101")):
        with Line("openmv-h7-plus", "--mode", "hold", "--windows", "0.1", "--bootloader", version) as line:
            equal({r["ver"] for r in found(line.good("dfu-util -l"))}, {release})
            line.good("dfu-util -a 0 -e")
            line.refused("wait 1 gone 300", "timeout")
            line.run(f"dfu-util -a ROMFS0 -R -D {line.file('image', noise(5000))}")
            line.order("wait 1 run 60000")


@test
def an_old_bootloader_with_a_window_obeys():
    """an old bootloader that was not forced leaves on DETACH once its window is over"""
    with Line("openmv-h7", "--mode", "boot", "--bootloader", "1.0.1") as line:
        line.latch()
        equal(line.camera()["latched"], True)
        line.run("dfu-util -a 0 -e")
        line.order("wait 1 run 60000")


@test
def the_window_ends_by_itself():
    """without a latch a camera leaves for its firmware; an UPLOAD keeps it"""
    with Line("openmv-n6", "--mode", "boot", "--windows", "2", cameras=2) as line:
        line.latch(1)
        line.order("wait 2 run 60000")
        equal(line.camera(1)["mode"], "boot")
        equal(line.camera(1)["latched"], True)
        equal(len(found(line.good("dfu-util -l"))), 4, "alternates of camera 1")


@test
def a_camera_without_firmware_parks():
    """a camera whose firmware cannot start stays in its bootloader, and returns to it after DETACH"""
    with Line("openmv-n6", "--flash", "blank", "--windows", "0.1") as line:
        equal(line.dump("FIRMWARE")[:16], b"\xff" * 16)
        line.refused("wait 1 gone 400", "timeout")
        devnum = line.camera()["devnum"]
        line.good("dfu-util -a 0 -e")
        line.order("wait 1 boot 60000")
        equal(line.camera()["devnum"] != devnum, True, "enumerated anew")
        line.order(f"load 1 FIRMWARE {line.file('zeros', bytes(4096))}")
        line.good("dfu-util -a 0 -e")
        line.order("wait 1 boot 60000")


@test
def written_firmware_decides():
    """four kilobytes of zeros over the firmware park a camera; firmware that starts frees it"""
    with Line("openmv-h7-plus", "--mode", "hold", "--windows", "0.1") as line:
        firmware = line.dump("FIRMWARE")
        line.good(f"dfu-util -a FIRMWARE -D {line.file('zeros', bytes(4096))}")
        line.good("dfu-util -a 0 -e")
        line.order("wait 1 boot 60000")
        equal(line.dump("FIRMWARE")[4096:131072], b"\xff" * (131072 - 4096), "the rest of the unit")
        line.good(f"dfu-util -a FIRMWARE -D {line.file('firmware', firmware)}")
        line.good("dfu-util -a 0 -e")
        line.order("wait 1 run 60000")


@test
def sees_run_mode():
    """cameras in run mode are no DFU devices, and are there all the same"""
    with Line("openmv-n6", "--mode", "run", cameras=9) as line:
        equal(found(line.good("dfu-util -l")), [])
        names = set(line.good("ls /sys/bus/usb/devices").split())
        equal(names, {"usb1", "1-1", "1-2", "1-2.1"} | {f"1-1.{i}" for i in range(1, 9)})


@test
def a_claim_ends_with_its_program():
    """an interface that one program holds is busy to another, until the first is killed"""
    with Line("openmv-n6", "--mode", "hold", speed="datasheet") as line:
        line.good(f"dfu-util -a ROMFS0 -D {line.file('image', noise(3 << 20))} >/dev/null 2>&1 & echo $! > {line.file('pid')}")
        line.order("wait 1 latched 60000")
        line.bad(f"dfu-util -a 0 -U {line.file('other')}", "Cannot claim interface")
        line.good(f"kill -9 $(cat {line.file('pid')}); wait")
        line.latch()


@test
def sixty_four():
    """64 cameras of 64 UIDs on eight hubs; one of them is written by its path"""
    with Line("openmv-h7-plus", "--mode", "hold", cameras=64) as line:
        rows = found(line.good("dfu-util -l"))
        equal(len(rows), 64 * 5)
        equal({r["path"] for r in rows}, {f"1-{h}.{p}" for h in range(1, 9) for p in range(1, 9)})
        equal(len({r["serial"] for r in rows}), 64)
        data = noise(70000)
        line.good(f"dfu-util -p 1-5.3 -a ROMFS0 -D {line.file('image', data)}")
        equal(line.dump("ROMFS0", 35)[:70000] == data, True, "camera 35")
        equal(line.dump("ROMFS0", 34)[:4], b"\xd2\xcd\x31\x00", "camera 34")


# ---- Arduino's bootloader: DfuSe ----

ARDUINO = with_dialect("dfuse")
ROMFS, CODE = 0x90B00000, 0x08040000


def application(size):
    """What Arduino's bootloader takes for one: a stack pointer, and code where it can be."""
    return (0x20010000).to_bytes(4, "little") + (CODE + 0x401).to_bytes(4, "little") + noise(size - 8)


def read_back(line, alt, address, size):
    path = line.file("upload")
    if os.path.exists(path):
        os.unlink(path)
    line.good(f"dfu-util -a {alt} -s {address:#x}:{size} -U {path}")
    return line.read("upload")


@test
def dfuse_lists_its_maps():
    """Arduino's cameras: dfu-util lists the four alternates with their maps, and the serial the other way round"""
    with Line(",".join(ARDUINO), "--mode", "hold", cameras=len(ARDUINO)) as line:
        rows = found_names(line.good("dfu-util -l"))
        for number, name in enumerate(ARDUINO, 1):
            b, camera = board(name), line.camera(number)
            mine = [r for r in rows if r["path"] == f"1-1.{number}"]
            equal(sorted((int(r["alt"]), r["name"]) for r in mine),
                  [(i, a["text"]) for i, a in enumerate(b["bootloader"]["alternates"])], name)
            serial = camera["dfu_serial"]
            equal({(r["id"], r["ver"], r["serial"]) for r in mine}, {(b["usb"]["dfu"], "0200", serial)}, name)
            equal((serial[16:] + serial[8:16] + serial[:8]).lower(), camera["uid"], name)


def found_names(text):
    """As found, for names with blanks in them."""
    rows = []
    for line in text.splitlines():
        if line.startswith("Found DFU: "):
            row = dict(part.split("=", 1) for part in line.replace('", ', '"\n').replace(", ", "\n").split("\n") if "=" in part)
            row["id"] = line.split("[")[1].split("]")[0]
            row["ver"] = line.split("ver=")[1].split(",")[0]
            rows.append({k.strip(): v.strip('"') for k, v in row.items()})
    return rows


@test
def dfuse_writes_and_reads():
    """Arduino's cameras: what dfu-util writes by address into external and internal flash is there and is read back"""
    for name in ARDUINO:
        data, code = noise(70000, 3), application(140000)
        with Line(name, "--mode", "hold", "--windows", "0.02") as line:
            line.good(f"dfu-util -a 1 -s {ROMFS:#x} -D {line.file('image', data)}")
            equal(read_back(line, 1, ROMFS, len(data)) == data, True, f"{name}: external")
            flash = line.dump("ROMFS0")
            equal(flash[:len(data)] == data, True, f"{name}: the flash")
            last = len(data) // 4096 * 4096  # a short chunk is programmed whole, with what the buffer held before
            equal(flash[len(data):last + 4096] == data[len(data) - 4096:last], True, f"{name}: the tail")
            line.good(f"dfu-util -a 0 -s {CODE:#x} -D {line.file('code', code)}")
            equal(read_back(line, 0, CODE, len(code)) == code, True, f"{name}: internal")
            equal(line.dump("FIRMWARE")[:len(code)] == code, True, f"{name}: the firmware")


@test
def dfuse_leaves_for_its_firmware():
    """Arduino's cameras: `:leave` starts what was written; DETACH does not end the session"""
    with Line(ARDUINO[0], "--mode", "hold", "--windows", "0.02") as line:
        line.run("dfu-util -a 0 -e")
        line.order("wait 1 boot 60000")
        line.good(f"dfu-util -a 0 -s {CODE:#x}:leave -D {line.file('code', application(5000))}")
        line.order("wait 1 run 60000")
        shown = line.good("cat /sys/bus/usb/devices/1-1.1/idProduct /sys/bus/usb/devices/1-1.1/serial").split()
        equal(shown, [board(ARDUINO[0])["usb"]["run"][5:], line.camera()["run_serial"]])


@test
def dfuse_without_firmware_stays():
    """Arduino's cameras: without a stack pointer the bootloader comes back; powered without being forced none shows"""
    with Line("arduino-giga", "--mode", "hold", "--windows", "0.02") as line:
        line.good(f"dfu-util -a 0 -s {CODE:#x}:leave -D {line.file('zeros', bytes(4096))}")
        line.order("wait 1 gone 60000")
        line.order("wait 1 boot 60000")
        line.order("power-cycle 1 boot")
        line.order("wait 1 boot 60000")
        line.good(f"dfu-util -a 0 -s {CODE:#x} -D {line.file('code', application(5000))}")
        line.order("power-cycle 1 boot")
        line.order("wait 1 run 60000")


@test
def dfuse_hides_its_failures():
    """Arduino's cameras: internal flash that was not programmed is reported well; a failed erase stalls everything"""
    with Line("arduino-portenta-h7", "--mode", "hold") as line:
        line.order("fault camera=1 at=program partition=FIRMWARE block=2 do=status:errPROG")
        code = application(20000)
        line.good(f"dfu-util -a 0 -s {CODE:#x} -D {line.file('code', code)}")
        got = read_back(line, 0, CODE, len(code))
        equal((got[:8192] == code[:8192], got[8192:12288] == bytes([255]) * 4096), (True, True), "the third block")
        line.order("fault camera=1 at=erase partition=ROMFS0 block=1 do=status:errERASE")
        line.bad(f"dfu-util -a 1 -s {ROMFS:#x} -D {line.file('image', noise(9000))}")
        line.bad(f"dfu-util -a 1 -s {ROMFS:#x}:4096 -U {line.file('stalled')}")
        line.order("power-cycle 1 hold")
        line.order("wait 1 boot 60000")
        line.good(f"dfu-util -a 1 -s {ROMFS:#x} -D {line.file('image', noise(9000))}")


@test
def dfuse_guards_nothing():
    """Arduino's cameras: the map keeps dfu-util from the bootloader's sector; mass erase is no command"""
    with Line("arduino-nicla-vision", "--mode", "hold") as line:
        before = line.dump("BOOTLOADER")
        line.bad(f"dfu-util -a 0 -s 0x08000000 -D {line.file('image', noise(4096))}", "is not writeable")
        line.bad(f"dfu-util -a 1 -s {ROMFS:#x}:mass-erase:force -D {line.file('image')}")
        equal(line.dump("BOOTLOADER") == before, True, "unchanged")


@test
def a_hub_has_one_wire():
    """behind a single-TT hub four full-speed cameras get through no more than one wire carries"""
    with Line("openmv-h7", "--mode", "hold", "--hub", "stt", cameras=4, speed="datasheet") as line:
        started = time.monotonic()
        each = [f"dfu-util -p 1-1.{n} -a ROMFS0 -U {line.file(f'back-{n}')} >/dev/null 2>&1 &" for n in range(1, 5)]
        line.good(" ".join(each) + " wait")
        took = time.monotonic() - started
        equal([len(line.read(f"back-{n}")) for n in range(1, 5)], [131076] * 4)
        equal(took >= 4 * 131072 / 832000, True, f"{took} s for four")


@test
def an_ordinary_user():
    """no privilege is needed: an ordinary user gets the same line under its own name"""
    with tempfile.TemporaryDirectory(prefix="romline-user-") as place:
        os.chmod(place, 0o755)
        binary = shutil.copy(f"{BUILD}/virtual-line", place)
        shutil.copytree("fixtures/boards", f"{place}/boards")
        prefix = [] if os.geteuid() else ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        with Line("openmv-n6", "--mode", "hold", "--boards", f"{place}/boards", prefix=prefix, binary=binary) as line:
            equal(line.good("id -u").strip() != "0", True, "no root inside")
            data = noise(50000)
            line.good(f"dfu-util -a ROMFS0 -D {line.file('image', data)}")
            equal(line.upload("ROMFS0")[:50000] == data, True, "the bytes")


@test
def leaves_no_trace():
    """outside nothing is to be seen of the line, while it runs and afterwards"""
    def traces():
        with open("/proc/self/mountinfo") as f:
            return [f.read().count("romline"), os.path.exists("/sys/devices/platform/romline-usb.0")]
    with Line("openmv-n6", "--mode", "hold") as line:
        line.good("test -d /sys/devices/platform/romline-usb.0/usb1/1-1/1-1.1")
        equal(traces(), [0, False])
    equal(traces(), [0, False])


if __name__ == "__main__":
    test.main()
