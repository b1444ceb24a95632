#!/usr/bin/env python3
"""Virtual cameras behind debug probes, judged by stock OpenOCD with its own scripts and flash drivers: it must program,
verify and erase them as it would real ones, and what silicon refuses must be refused."""
import os
import re
import shutil
import subprocess
import tempfile
import time

from dfu_util import LIMIT_S, Line, noise
from harness import BUILD, Tests, equal

test = Tests()
FAMILY = {"openmv-m4": "stm32f4x", "openmv-m7": "stm32f7x"}
# Clocks, pins and commands as the boards' firmware sets them up, for a QUADSPI that a reset left bare.
QUADSPI_SETUP = """
proc qspi_setup {} {
    mmw 0x580244E0 0x000007FF 0
    mmw 0x580244D4 0x00004000 0
    mmw 0x58021400 0x002AA000 0x00155000
    mmw 0x58021420 0x99000000 0x66000000
    mmw 0x58021424 0x000009AA 0x00000655
    mmw 0x58021800 0x00002000 0x00001000
    mmw 0x58021820 0x0A000000 0x05000000
    mww 0x52005000 0x05500009
    mww 0x52005004 0x00180200
    mww 0x52005014 0x000001B7
    mww 0x5200500C 0x0000001B
    mww 0x52005014 0x0D003503
}
"""
UNLOCK = "mww 0x52002004 0x45670123; mww 0x52002004 0xCDEF89AB"
ROMFS = 0x081E0000


def usb_config(serial, backend="usb_bulk", pid=0x0da9):
    return (f"adapter driver cmsis-dap\ncmsis_dap_backend {backend}\ncmsis_dap_vid_pid 0x1209 {pid:#x}\n"
            f"adapter serial {serial}\ntransport select swd\ngdb_port disabled\ntelnet_port disabled\ntcl_port disabled\n"
            "set DUAL_BANK 1\nsource [find target/stm32h7x.cfg]\nadapter srst delay 0\n")


def config(board, port):
    family = FAMILY.get(board, "stm32h7x")
    return (f"adapter driver st-link\nst-link vid_pid 0x0483 0x374f\nst-link backend tcp {port}\n"
            "transport select dapdirect_swd\ngdb_port disabled\ntelnet_port disabled\ntcl_port disabled\n"
            f"set DUAL_BANK 1\nset QUADSPI {int('plus' in board)}\nsource [find target/{family}.cfg]\n"
            f"adapter srst delay 0\n{QUADSPI_SETUP}\n")


class Core:
    """A virtual core by itself."""

    def __init__(self, board, *options, speed="instant", faults=()):
        self.board, self.work = board, tempfile.mkdtemp(prefix="romline-core-")
        if faults:
            options = (*options, "--faults", self.file("faults", "".join(f"camera=* {f}\n" for f in faults)))
        self.process = subprocess.Popen([f"{BUILD}/virtual-core", "--board", board, "--boards", "fixtures/boards", "--listen",
                                         "127.0.0.1:0", "--speed", speed, *options], stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        self.port = int(re.search(r":(\d+)$", said).group(1))
        self.file("cfg", config(board, self.port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(LIMIT_S)
        self.process.stderr.close()
        shutil.rmtree(self.work)
        equal(status, 0, "virtual-core's end")

    def file(self, name, data):
        path = os.path.join(self.work, name)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        return path

    def read(self, name):
        with open(os.path.join(self.work, name), "rb") as f:
            return f.read()

    def run(self, *commands):
        """OpenOCD's status and what it printed."""
        words = [w for c in ("init", *commands, "shutdown") for w in ("-c", c)]
        done = subprocess.run(["openocd", "-f", "cfg", *words], cwd=self.work, capture_output=True, text=True, timeout=LIMIT_S)
        return done.returncode, done.stdout + done.stderr

    def good(self, *commands):
        status, said = self.run(*commands)
        equal(status, 0, said[-1500:])
        return said

    def caught(self, *commands):
        """Which of these commands fail inside OpenOCD."""
        said = self.good(*[f"echo \"CAUGHT [catch {{{c}}}]\"" for c in commands])
        return [n != "0" for n in re.findall(r"^CAUGHT (-?\d+)$", said, re.M)]

    def words(self, *commands):
        """What these mdw and reg commands show."""
        said = self.good(*commands)
        return [int(w, 16) for w in re.findall(r"^(?:0x[0-9a-f]{8}: |\w+ \(/32\): 0x)([0-9a-f]{8})", said, re.M)]


def programs(board, address, size, before=()):
    data = noise(size)
    with Core(board) as core:
        core.file("image", data)
        said = core.good("reset halt", *before, f"flash write_image erase image {address:#x} bin",
                         f"verify_image image {address:#x} bin", f"dump_image out {address:#x} {size}")
        equal(f"verified {size} bytes" in said, True, said[-800:])
        equal(core.read("out") == data, True, "what is read back")


@test
def programs_h7():
    """H7: both banks by flash write_image erase, verify_image and dump_image; program ... verify; erase_sector"""
    programs("openmv-h7", 0x08000000, 2097152)
    with Core("openmv-h7") as core:
        core.file("image", noise(100000))
        equal("Verified OK" in core.good("program image 0x08040000 verify"), True)
        said = core.good("reset halt", "flash erase_sector 0 2 2", "flash erase_check 0")
        equal(re.findall(r"#  (\d): .* not erased$", said, re.M), ["0"], "the firmware's only sector is erased as well")


@test
def programs_quadspi():
    """H7 Plus: the serial NOR by stmqspi, its clocks and pins set up first, without them nothing answers"""
    programs("openmv-h7-plus", 0x91800000, 300000, before=["qspi_setup"])
    with Core("openmv-h7-plus") as core:
        equal(core.caught("reset halt", "flash probe 2", "mdw 0x90000000"), [0, 1, 1])


@test
def programs_f4_and_f7():
    """M4 and M7: mixed sectors by stm32f2x"""
    programs("openmv-m4", 0x08000000, 1048576)
    programs("openmv-m7", 0x08020000, 600000)


@test
def keeps_flash():
    """--flash DIR: what was programmed is there in the next run, and what was not is as the factory left it"""
    work = tempfile.mkdtemp(prefix="romline-core-")
    data = noise(5000)
    for number in range(2):
        with Core("openmv-h7", "--flash", work) as core:
            if not number:
                core.file("image", data)
                core.good("reset halt", f"flash write_image erase image {ROMFS:#x} bin")
            core.good("halt", f"dump_image out {ROMFS:#x} 5000")
            equal(core.read("out") == data, True, "what is kept")
    shutil.rmtree(work)


@test
def executes():
    """what a debugger puts into RAM runs: results, single steps, breakpoints, a fault and where it came from"""
    with Core("openmv-h7") as core:
        # movs r0,#0; adds r0,#3; adds r0,#4; str r0,[r1]; bkpt 0
        code = "mww 0x24000000 0x30032000; mww 0x24000004 0x60083004; mww 0x24000008 0xbf00be00"
        equal(core.words("reset halt", code, "reg r1 0x24000100", "reg pc 0x24000000", "resume", "wait_halt 1000",
                         "reg pc", "mdw 0x24000100")[-2:], [0x24000008, 7])
        equal(core.words("reg pc 0x24000000", "step", "step", "reg r0")[-1], 3)
        equal(core.words("bp 0x24000004 2 hw", "reg pc 0x24000000", "resume", "wait_halt 1000", "reg pc", "reg r0",
                         "rbp all")[-2:], [0x24000004, 3])
        # the store reaches nothing
        equal(core.words("reg r1 0x70000000", "reg pc 0x24000000", "resume", "catch {wait_halt 1000}",
                         "mdw 0xe000ed38")[-1], 0x70000000)


@test
def takes_the_hard_fault():
    """a program's own handler takes a fault: its frame, IPSR, return behind it; also for a word whose check bits do not fit"""
    handler = [0x8005F3EF,  # mrs r0, ipsr
               0x4B046010,  # str r0, [r2]; ldr r3, =CFSR
               0x60186818,  # ldr r0, [r3]; str r0, [r3]
               0x99066050,  # str r0, [r2, #4]; ldr r1, [sp, #24]
               0x91063102,  # adds r1, #2; str r1, [sp, #24]
               0x46C04770, 0xE000ED28]  # bx lr
    program = [0x46C06820,  # ldr r0, [r4]; nop
               0xBE002507]  # movs r5, #7; bkpt
    words = [*zip(range(0x24000100, 0x24000200, 4), handler), *zip(range(0x24000000, 0x24000100, 4), program),
             (0x2400020C, 0x24000101), (0xE000ED08, 0x24000200)]
    go = ["reg r2 0x24000300", "reg sp 0x24001000", "reg pc 0x24000000", "resume", "wait_halt 1000", "mdw 0x24000300",
          "mdw 0x24000304", "reg r5", "reg pc", "reg sp"]
    with Core("openmv-h7") as core:
        core.good("reset halt", *[f"mww {a:#x} {v:#x}" for a, v in words])
        equal(core.words("reg r4 0x70000000", *go)[-5:], [3, 0x8200, 7, 0x24000006, 0x24001000])
        core.good("halt", "flash erase_sector 0 1 1", UNLOCK, "mww 0x5200200c 0x32", *["mww 0x08020000 0x5a5a5a5a 8"] * 2)
        # the fault of a device's refusal is imprecise: the instruction is behind, and what follows may have run
        said = core.words("reg r4 0x08020000", *go[:-3], "mdw 0x52002060", "mdw 0x52002010")
        equal((said[-4:-1], said[-1] & 1 << 26), ([3, 0x400, 0x1000], 1 << 26))


@test
def starts_and_resets():
    """reset halt stands at the vector; resume boots; the magic word is taken; without a program the core locks up"""
    with Core("openmv-h7") as core:
        equal(core.words("reset halt", "reg pc")[-1], 0x08000400)
        equal(core.words("mww 0x2001fffc 0xb00710ad", "reset run", "mdw 0x2001fffc")[-1], 0)
        pc = core.words("halt", "reg pc")[-1]
        equal(0x08000000 <= pc < 0x08020000, True, f"in the bootloader: {pc:#x}")
        core.good("reset run", "sleep 1200", "halt", "resume")
        pc = core.words("halt", "reg pc")[-1]
        equal(pc >= 0x08040000, True, f"in the firmware: {pc:#x}")
        said = core.good("flash erase_sector 0 0 0", "reset run", "sleep 50", "poll")
        equal("lockup" in said, True, said[-500:])


@test
def magic_for_other_chips():
    """N6 and AE3, whose flash is left to their bootloaders: the magic word over SWD, a reset, and the bootloader is held"""
    for board, place, ap in (("openmv-n6", 0x3401FFFC, "-ap-num 1"), ("openmv-ae3", 0x200FFFFC, "")):
        with Line(board, "--probe", "st-link", "--mode", "run") as rig:
            probe = config(board, 7184).split("set DUAL_BANK")[0]
            cfg = rig.file("cfg", (probe + "swd newdap chip cpu -expected-id 0\ndap create chip.dap -chain-position chip.cpu\n"
                                   f"target create chip.cpu cortex_m -dap chip.dap {ap}\n"
                                   "cortex_m reset_config sysresetreq\n").encode())
            rig.good(f"openocd -f {cfg} -c init -c halt -c 'mww {place:#x} 0xb00710ad' -c 'reset run' -c shutdown")
            rig.order("wait 1 boot 60000")
            equal(rig.camera()["mode"], "hold")


@test
def identity():
    """UID and flash size lie where the chips have them, and follow from seed and number"""
    seen = set()
    for board, uid, size in (("openmv-h7", 0x1FF1E800, 0x1FF1E880), ("openmv-m4", 0x1FFF7A10, 0x1FFF7A20),
                             ("openmv-m7", 0x1FF0F420, 0x1FF0F440)):
        for number in ("1", "2"):
            with Core(board, "--number", number) as core:
                words = core.words("halt", f"mdw {uid:#x}", f"mdw {uid + 4:#x}", f"mdw {uid + 8:#x}", f"mdw {size:#x}")
                seen.add(tuple(words[-4:-1]))
                equal(words[-1] >> 16 or words[-1], 1024 if board == "openmv-m4" else 2048)
    equal(len(seen), 2, "a UID for every number, whatever the board")


@test
def locked_flash_takes_nothing():
    """H7: a locked controller, a wrong key, a word without PG: nothing changes, and the flags say so"""
    with Core("openmv-h7") as core:
        core.good("reset halt", "flash erase_sector 1 7 7")
        core.good("reset halt", f"mww {ROMFS:#x} 0x12345678")
        equal(core.words("mdw 0x52002110", f"mdw {ROMFS:#x}"), [0x00040000, 0xffffffff])
        # nor from a program of the core's own: str r0, [r1]; bkpt
        equal(core.words("mww 0x52002114 0x0fef0000", "mww 0x24000000 0xbe006008", "reg r0 0", f"reg r1 {ROMFS:#x}",
                         "reg pc 0x24000000", "resume", "wait_halt 1000", f"mdw {ROMFS:#x}", "mdw 0x52002110")[-2:],
              [0xffffffff, 0x00040000])
        equal(core.caught("mww 0x52002004 0x11111111", "mww 0x52002004 0x45670123"), [1, 1])
        equal(core.words("mdw 0x5200200c"), [1])


@test
def words_are_written_once():
    """H7: a second programming of a 32-byte word leaves check bits that do not fit: its reads fail until it is erased"""
    fill = f"mww {0x08020000:#x} 0x5a5a5a5a 8"
    with Core("openmv-h7") as core:
        core.good("reset halt", "flash erase_sector 0 1 1")
        core.good("reset halt", UNLOCK, "mww 0x5200200c 0x32", fill)
        equal(core.words("mdw 0x08020000"), [0x5a5a5a5a])
        core.good(fill)
        equal(core.caught("mdw 0x08020000", "mdw 0x08020020"), [1, 0])
        equal(core.words("mdw 0x52002010")[-1] & 1 << 26, 1 << 26)
        core.good("mww 0x52002014 0x0fef0000", "mww 0x5200200c 1", "flash erase_sector 0 1 1")
        equal(core.words("mdw 0x08020000"), [0xffffffff])


@test
def protection_holds():
    """flash protect: a protected sector is neither erased nor written, over a reset too, until it is given free"""
    with Core("openmv-h7") as core:
        core.file("image", noise(64))
        core.good("reset halt", "flash protect 0 2 2 on")
        equal(core.caught("reset halt", "flash erase_sector 0 2 2", "flash write_image image 0x08050000 bin"), [0, 1, 1])
        equal(core.caught("flash protect 0 2 2 off", "flash erase_sector 0 2 2"), [0, 0])


@test
def quadspi_end_wedges():
    """H7 Plus: mapped reads need memory-mapped mode; one into the last 512 bytes never comes back, until a reset"""
    with Core("openmv-h7-plus") as core:
        equal(core.caught("reset halt", "qspi_setup", "mdw 0x91fffdfc", "mww 0x52005000 0x0550000b", "mdw 0x90000000"),
              [0, 0, 0, 0, 1])
        core.good("reset halt", "qspi_setup", "catch {mdw 0x91fffe00}")
        equal(core.caught("reset halt", "qspi_setup", "mdw 0x90000000")[-1], 0)


@test
def wire_takes_its_time():
    """--wire-khz: 46 bits a transfer, never less"""
    with Core("openmv-h7", "--wire-khz", "1000") as core:
        core.file("image", noise(65536))
        core.good("reset halt")
        started = time.monotonic()
        core.good("load_image image 0x24000000 bin")
        equal(time.monotonic() - started >= 65536 / 4 * 46 / 1e6, True, "not faster than the wire")


PROGRAM = (f"flash write_image erase image {ROMFS:#x} bin", f"verify_image image {ROMFS:#x} bin")


def spoiled(*faults, board="openmv-h7", commands=PROGRAM):
    """Which of the commands fail under these faults, and what was said."""
    with Core(board, faults=faults) as core:
        core.file("image", noise(40000))
        return core.caught("reset halt", *commands)


@test
def flash_faults():
    """erase and program: left out, refused, spoiled, or never done: the driver or the check afterwards sees it"""
    equal(spoiled(), [False] * 3)
    equal(spoiled("at=erase partition=ROMFS0 do=status:errERASE"), [False, True, True])
    equal(spoiled("at=erase do=no-erase", "at=program partition=FIRMWARE do=lie"), [False, False, True],
          "a word that was not blank")
    equal(spoiled("at=program partition=ROMFS0 block=3 do=flip:5.3"), [False, False, True])
    equal(spoiled("at=program nth=100 do=lie"), [False, False, True])
    equal(spoiled("at=program nth=100 do=garbage"), [False, False, True])
    equal(spoiled("at=program nth=100 do=status:errWRITE"), [False, True, True])
    equal(spoiled("at=program nth=7 do=flip:0.0", board="openmv-m7",
                  commands=("flash write_image erase image 0x081c0000 bin", "verify_image image 0x081c0000 bin")),
          [False, False, True])
    equal(spoiled("at=erase partition=ROMFS0 do=no-erase", board="openmv-h7-plus",
                  commands=("qspi_setup", "mww 0x52005000 0x0550000b", "flash probe 2",
                            "flash write_image erase image 0x91800000 bin", "verify_image image 0x91800000 bin"))[-1], True,
          "what the factory left is in the way")


@test
def power_cuts():
    """the supply fails in an erase or a program: the target is gone, and comes back with that work half done"""
    for fault in ("at=erase do=power-cut", "at=program nth=50 do=power-cut", "at=program nth=50 do=unplug"):
        with Core("openmv-h7", faults=[fault]) as core:
            core.file("image", noise(40000))
            equal(core.caught("reset halt", PROGRAM[0]), [False, True], fault)
            time.sleep(0.6)
            core.good("halt")
            equal(core.caught(f"verify_image image {ROMFS:#x} bin")[0], True)
            core.good("reset halt", *PROGRAM)


@test
def wire_faults():
    """what is lost or changed on the wire, once: an error, or wrong contents; and afterwards all is well again"""
    load = ("load_image image 0x24000000 bin", "verify_image image 0x24000000 bin")
    for fault, wanted in (("do=flip:7.1", [False, False, True]), ("do=garbage", [False, False, True]),
                          ("do=sticky", [False, True, True]), ("do=wait", [False, True, True])):
        with Core("openmv-h7", faults=[f"at=swd {fault}"]) as core:
            core.file("image", noise(5000))
            equal(core.caught("reset halt", *load), wanted, fault)
            core.good("reset halt", *load)
    equal(spoiled("at=swd nth=2 do=silent")[1:], [True, True])
    equal(spoiled("at=probe do=lock")[0], True)


@test
def probe_faults():
    """a probe that is pulled is not there until power returns; one that stalls answers its next client"""
    with Core("openmv-h7", faults=["at=swd do=unplug"]) as core:
        core.file("image", noise(5000))
        equal(core.caught("load_image image 0x24000000 bin"), [True])
        equal(core.run()[0], 1)
    with Core("openmv-h7", faults=["at=swd do=stall"]) as core:
        core.file("image", noise(5000))
        try:
            subprocess.run(["openocd", "-f", "cfg", "-c", "init; load_image image 0x24000000 bin; shutdown"], cwd=core.work,
                           capture_output=True, timeout=6)
            raise AssertionError("it did not stall")
        except subprocess.TimeoutExpired:
            pass
        core.good("load_image image 0x24000000 bin")


@test
def line_faults():
    """on a line: faults of the probe's side come from the same book, by file and by verb, and count as fired"""
    with Line("openmv-h7", "--probe", "st-link", "--mode", "hold", cameras=2) as rig:
        cfg, image = rig.file("cfg", config("openmv-h7", 7185).encode()), rig.file("image", noise(40000))
        rig.order("fault camera=2 at=program partition=ROMFS0 nth=50 do=power-cut")
        status = rig.run(f"openocd -f {cfg} -c init -c 'reset halt' -c 'flash write_image erase {image} {ROMFS:#x} bin' "
                         "-c shutdown")
        equal(status, 1)
        equal((rig.camera(2)["mode"], rig.camera(2)["fired"], rig.camera(1)["mode"]), ("off", 1, "hold"))
        rig.order("power-cycle 2 hold")
        rig.order("wait 2 boot 60000")
        rig.good(f"openocd -f {cfg} -c init -c 'reset halt' -c 'flash write_image erase {image} {ROMFS:#x} bin' "
                 f"-c 'verify_image {image} {ROMFS:#x} bin' -c shutdown")


@test
def cmsis_dap_on_usb():
    """CMSIS-DAP v2 probes on the line's USB: chosen by serial, each its own camera's; pulled, they are gone until the
    camera has power anew; stalled, until the next client; on a hub that lost its power, as long as that"""
    with Line("openmv-h7", "--probe", "cmsis-dap", "--mode", "hold", cameras=2) as rig:
        first, second = [rig.file(f"cfg{n}", usb_config(f"VCORE000000{n}").encode()) for n in (1, 2)]
        image = rig.file("image", noise(70000))
        write = f"-c init -c 'reset halt' -c 'flash write_image erase {image} {ROMFS:#x} bin' " \
                f"-c 'verify_image {image} {ROMFS:#x} bin' -c shutdown"
        rig.good(f"openocd -f {second} {write}")
        equal((rig.dump("ROMFS0", 2)[:70000] == rig.read("image"), rig.dump("ROMFS0", 1)[:4]), (True, b"\xd2\xcd\x31\0"))
        rig.bad(f"openocd -f {first} -c 'adapter serial NOBODY' -c init -c shutdown", "unable to find a matching CMSIS-DAP device")
        rig.order("fault camera=1 at=swd do=unplug")
        equal(rig.run(f"openocd -f {first} {write}") != 0, True, rig.said[-300:])
        rig.bad("test -e /sys/bus/usb/devices/1-8.1")
        rig.order("power-cycle 1 hold")
        rig.order("wait 1 boot 60000")
        rig.good(f"openocd -f {first} {write}")
        rig.order("fault camera=1 at=swd do=stall")
        equal(rig.run(f"timeout -s KILL 2 openocd -f {first} {write}"), 137, "it hangs")
        rig.good(f"openocd -f {first} {write}")
        rig.order("drop 8")
        rig.bad(f"openocd -f {first} -c init -c shutdown", "unable to find a matching CMSIS-DAP device")
        rig.order("restore 8")
        rig.good(f"openocd -f {first} -c init -c shutdown")


HIDRAW = """
import array, fcntl, os, select
node, sys = os.open('/dev/hidraw1', os.O_RDWR), '/sys/class/hidraw/hidraw1/device/'
size = array.array('i', [0])
fcntl.ioctl(node, 0x80044801, size)                                    # HIDIOCGRDESCSIZE
said = array.array('B', size.tobytes() + bytes(4096))
fcntl.ioctl(node, 0x90044802, said)                                    # HIDIOCGRDESC
print('descriptor', said.tobytes()[4:4 + size[0]] == open(sys + 'report_descriptor', 'rb').read())
print('identity', 'HID_ID=0003:00001209:00000DA8' in open(sys + 'uevent').read())
os.write(node, bytes([0, 0, 0xff]) + bytes(62))                        # DAP_Info: its packets' size
print('packet', os.read(node, 100) == bytes([0, 2, 64, 0]) + bytes(60))
os.write(node, bytes(80))                                              # longer than a report
os.write(node, bytes([1, 0, 0xff]) + bytes(62))                        # a number that no report has
poll = select.poll()
poll.register(node, select.POLLIN)
print('silent', not poll.poll(300))
for path in ('1-8.1/descriptors', '1-8.1/serial', '1-8.1:1.0/bInterfaceClass'):
    os.stat('/sys/bus/usb/devices/' + path)
usb = os.open('/dev/bus/usb/001/%03d' % int(open('/sys/bus/usb/devices/1-8.1/devnum').read()), os.O_RDWR)
try:
    fcntl.ioctl(usb, 0x8004550f, array.array('I', [0]))                # USBDEVFS_CLAIMINTERFACE
except OSError as e:
    print('claimed', e.errno)
"""


@test
def cmsis_dap_hid():
    """CMSIS-DAP v1: a node of hidraw as Linux shows it, held by usbhid; stock OpenOCD programs through it, finds it behind the
    bulk driver by itself, and it is gone when it is pulled"""
    with Line("openmv-h7", "--probe", "cmsis-dap-hid", "--mode", "hold") as rig:
        script, image = rig.file("hidraw.py", HIDRAW.encode()), rig.file("image", noise(20000))
        said = rig.good(f"python3 {script}").split()
        equal(said, ["descriptor", "True", "identity", "True", "packet", "True", "silent", "True", "claimed", "16"])
        for backend in ("hid", "auto"):
            cfg = rig.file(backend, usb_config("VCORE0000001", backend, 0x0da8).encode())
            rig.good(f"openocd -f {cfg} -c init -c 'reset halt' -c 'flash write_image erase {image} {ROMFS:#x} bin' "
                     f"-c 'verify_image {image} {ROMFS:#x} bin' -c shutdown")
        equal(rig.dump("ROMFS0")[:20000] == rig.read("image"), True)
        rig.bad(f"openocd -f {cfg} -c 'cmsis_dap_backend usb_bulk' -c init -c shutdown", "unable to find a matching CMSIS-DAP")
        rig.order("drop 8")
        rig.good("! test -e /sys/class/hidraw/hidraw1 && ! test -e /sys/devices/platform/romline-usb.0/usb1/1-8/1-8.1")
        rig.bad(f"openocd -f {cfg} -c init -c shutdown", "unable to find a matching CMSIS-DAP device")


@test
def one_camera_two_ways():
    """on a line, what USB wrote SWD reads and the other way round; a halted core is silent on USB, a reset brings the
    bootloader, forced by the magic word; power takes both"""
    with Line("openmv-h7", "--probe", "st-link", "--mode", "hold") as rig:
        cfg, data = rig.file("cfg", config("openmv-h7", 7184).encode()), noise(131072)
        image = rig.file("image", data)

        def ocd(*commands):
            words = " ".join(f"-c '{c}'" for c in ("init", *commands, "shutdown"))
            status = rig.run(f"openocd -f {cfg} {words}")
            equal(status, 0, rig.said[-800:])
            return rig.said
        rig.good(f"dfu-util -a ROMFS0 -D {image}")
        ocd("halt", f"verify_image {image} {ROMFS:#x} bin")
        equal(rig.run("timeout 1 dfu-util -a ROMFS0 -U /dev/null") != 0, True, "a halted core answers nothing")
        rig.file("image", noise(131072, 2))
        ocd("reset halt", f"flash write_image erase {image} {ROMFS:#x} bin")
        equal(rig.camera()["mode"], "gone", "not on the bus after reset halt")
        ocd("mww 0x2001fffc 0xb00710ad", "reset run")
        rig.order("wait 1 boot 60000")
        equal(rig.camera()["mode"], "hold")
        back = os.path.join(rig.work, "back")
        rig.good(f"dfu-util -a ROMFS0 -U {back}")
        rig.good(f"cmp -n 131072 {back} {image}")
        rig.order("unplug 1")
        equal(rig.run(f"openocd -f {cfg} -c init -c shutdown"), 1, "no target without power")
        rig.order("plug 1")
        rig.order("wait 1 boot 60000")
        equal("Cortex-M7" in ocd("targets"), True)


if __name__ == "__main__":
    test.main()
