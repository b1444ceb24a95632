#!/usr/bin/env python3
"""Chips that stock OpenOCD has no flash driver for: STM32N6, i.MX RT1062, Alif's Ensemble, and the H747 that it has one for.
The agent's back-ends run on their virtual cores; what flash holds afterwards is read from its cells, behind the agent's
back."""
import json
import os
import struct
import subprocess
import tempfile

from dfu_util import Line
from harness import BUILD, Tests, equal, payload
from nest_rig import MixedRig
from swd_core import Core, noise
from swd_agent import Camera, bytes_of, digest_line, some_bytes

test = Tests()
PAGE = 65536


def cells(folder, medium):
    """What a camera that was kept in this folder holds: {page: bytes}."""
    data, found = bytes_of(os.path.join(folder, "camera-1.flash")), {}
    at = len(b"romline.flash.1\n")
    while at < len(data):
        number, page = struct.unpack_from("<B3xI", data, at)
        if number == medium:
            found[page] = data[at + 8:at + 8 + PAGE]
        at += 8 + PAGE
    return found


def held(folder, medium, offset, size):
    pages = cells(folder, medium)
    whole = b"".join(pages.get(n, b"\xff" * PAGE) for n in range(offset // PAGE, (offset + size - 1) // PAGE + 1))
    return whole[offset % PAGE:][:size]


def image_of(camera, board):
    tree = os.path.join(camera.folder.name, "tree", "lib")
    os.makedirs(tree)
    for n in range(9):
        with open(os.path.join(tree, f"file{n}.bin"), "wb") as f:
            f.write(some_bytes(n * 997, n))
    image = os.path.join(camera.folder.name, "image")
    subprocess.run([f"{BUILD}/stationctl", "romfs", "build", os.path.dirname(tree), "-b", board, "--no-mpy", "--no-commit-unit",
                    "-o", image], check=True, stdout=subprocess.DEVNULL, timeout=60)
    return bytes_of(image), image


def exercised(board, medium, offset, unit, flash="factory"):
    """Erased, programmed, summed up, mounted in place, read back, changed; and found in the cells as it should be."""
    with tempfile.TemporaryDirectory() as kept, Camera(board, flash=kept) as c:
        data = some_bytes(5 * unit + 1234, board)
        base = offset + 16 * unit
        image, path = image_of(c, board)
        read, back = c.read(medium, base, len(data))
        erased = [c.put(medium, base, data, 6 * unit, unit), "drain", f"table:{medium}:{base}:{unit}:7",
                  f"digest:{medium}:{base}:{len(data)}", read] if unit else [c.put(medium, base, data), "drain"]
        out = c.run(*erased, c.put(medium, offset, image, -(-len(image) // unit) * unit, unit), "drain",
                    f"mount:{medium}:{offset}:{len(image)}:{path}", f"digest:{medium}:{base}:{len(data)}", "close")
        equal(out.count(digest_line(data)), 2, out[-600:])
        equal("mounted 0 " in out and " files 9 " in out, True, out[-600:])
        equal(bytes_of(back) == data, True, "what is read back")
        changed = bytes(reversed(data[:unit]))
        out = c.run(c.put(medium, base + unit, changed, unit, unit), "drain",
                    f"digest:{medium}:{base}:{len(data)}", f"digest:{medium}:{base + unit}:{unit}")
        after = data[:unit] + changed + data[2 * unit:]
        equal((digest_line(after) in out, digest_line(changed) in out), (True, True), out[-600:])
        c.end()
        equal(held(kept, medium, base, len(data)) == after, True, "the cells")
        equal(held(kept, medium, offset, len(image)) == image, True, "the image's cells")


@test
def n6_agent():
    """N6: the agent behind XSPI and an octal chip: units of 64 KiB"""
    exercised("openmv-n6", 0, 0x800000, 0x10000)


@test
def rt1062_agent():
    """RT1062: the agent behind FlexSPI: units of 4 KiB"""
    exercised("openmv-rt1062", 0, 0x800000, 0x1000)


@test
def ae3_agent():
    """AE3: the agent behind OSPI, units of 4 KiB; and MRAM, overwritten in place from any byte on"""
    exercised("openmv-ae3", 1, 0x800000, 0x1000)
    with tempfile.TemporaryDirectory() as kept, Camera("openmv-ae3", flash=kept) as c:
        data, over = some_bytes(20000, "mram"), b"\x5a" * 77
        at = 0x47E000
        out = c.run(c.put(0, at, data), "drain", f"digest:0:{at}:{len(data)}", c.put(0, at + 4096, over), "drain",
                    f"digest:0:{at + 4096}:{len(over)}")
        equal(digest_line(data) in out and digest_line(over) in out, True, out[-600:])
        c.end()
        equal(held(kept, 0, at, len(data)) == data[:4096] + over + data[4096 + len(over):], True, "the cells")


@test
def faults_reach_them():
    """a program operation that lies: the core's sum differs, whichever medium it was"""
    data = some_bytes(4096, "lie")
    for board, medium, offset, unit in (("openmv-n6", 0, 0x800000, 0x10000), ("openmv-rt1062", 0, 0x800000, 0x1000),
                                        ("openmv-ae3", 1, 0x800000, 0x1000), ("openmv-ae3", 0, 0x47E000, 0)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "faults")
            with open(path, "w") as f:
                f.write("camera=* at=program nth=3 do=lie\n")
            with Camera(board, "--faults", path) as c:
                out = c.run(c.put(medium, offset, data, unit, unit), "drain", f"digest:{medium}:{offset}:4096", good=unit > 0)
                equal(digest_line(data) in out, False, f"{board} {medium}")


def by_swd(board):
    """N6's flash over SWD, which its board file leaves to DFU: where the chip has its number is known."""
    if board["id"] == "openmv-n6":
        board["swd"].update(hybrid=False, uid={"address": "0x46009014", "words": 3, "stride": 4})


def attempt_of(rig):
    slot = rig.wait_slot(1, {"passed", "failed", "error", "refused", "unrecorded"})
    equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
    return rig.rest(f"/attempts/{slot['attempt']}")


def whole(board, partition="ROMFS0", transport="swd", mode="hold", **options):
    """A station's attempt, from the arrival to PASS; the camera's cells hold the recipe."""
    with MixedRig(nests={1}, cameras=1, board=board, **options) as rig:
        path, _, _ = rig.prepare()
        rig.start(mode=mode)
        attempt = attempt_of(rig)
        equal((attempt["transport"], attempt["retries"]), (transport, 0))
        want = payload(path, partition)
        equal(rig.dump(1, partition)[:len(want)] == want, True, "the cells")
        return attempt


@test
def n6_whole():
    """N6 over SWD: an attempt to PASS, and what the core says of it"""
    attempt = whole("openmv-n6", boards=by_swd, usb=False, options=["--windows", "0.1"])
    region = attempt["regions"][0]
    equal((region["crc32_core"], region["files_core"], attempt["proof"]), (region["crc32"], region["files"], "core"))


@test
def rt1062_whole():
    """RT1062 over SWD: an attempt to PASS, confirmed over USB by its firmware"""
    attempt = whole("openmv-rt1062", mode="run", options=["--windows", "0.1"])
    region = attempt["regions"][0]
    equal((region["crc32_core"], region["files_core"], attempt["proof"]), (region["crc32"], region["files"], "run"))


@test
def hybrids():
    """N6 and AE3: the boot magic and a reset by the probe, the rest over DFU in the same attempt"""
    for board in ("openmv-n6", "openmv-ae3"):
        attempt = whole(board, transport="swd+dfu", mode="run")
        equal(attempt["regions"][0]["crc32_core"], None, board)


@test
def h747():
    """Giga: internal flash and QUADSPI of a dual-core H747 by OpenOCD's own drivers, its pins by our configuration"""
    here, image = os.path.abspath("fixtures/openocd"), noise(70000)
    with Core("arduino-giga") as core:
        core.file("image", image)
        with open(os.path.join(core.work, "cfg")) as f:
            probe = f.read().split("set DUAL_BANK")[0]
        core.file("cfg", probe + f"add_script_search_dir {here}\nsource [find arduino-giga.cfg]\n")
        said = core.good("reset halt", "flash write_image erase image 0x08040000 bin", "verify_image image 0x08040000 bin",
                         "romline_prepare", "romline_stock_begin", "flash probe 2",
                         "flash write_image erase image 0x90b00000 bin", "verify_image image 0x90b00000 bin")
        equal(said.count("verified 70000 bytes"), 2, said[-800:])
        # other boards' pins reach no chip
        core.file("cfg", probe + f"add_script_search_dir {here}\nsource [find openmv-h7-plus.cfg]\n")
        equal(core.words("reset halt", "romline_prepare", "mww 0x52005014 0x0D002503", "mdw 0x90b00000")[-1], 0xffffffff)


@test
def h747_whole():
    """Giga, Portenta and Nicla Vision over SWD: attempts to PASS by the agent, each behind its own pins"""
    for board in ("arduino-giga", "arduino-portenta-h7", "arduino-nicla-vision"):
        attempt = whole(board, usb=False, mode="run", options=["--windows", "0.05"])
        equal((attempt["regions"][0]["crc32_core"], attempt["proof"]), (attempt["regions"][0]["crc32"], "core"))


def refused(board, change):
    """What the agent says of a camera behind a target configuration that was changed."""
    with open(f"fixtures/boards/{board}.json") as f:
        name = json.load(f)["swd"]["config"]
    with tempfile.TemporaryDirectory() as folder, Camera(board) as c:
        with open(f"fixtures/openocd/{name}") as f, open(os.path.join(folder, name), "w") as out:
            out.write(change(f.read()))
        said = c.run(f"digest:{int(board == 'openmv-ae3')}:0:4096", settings=[f"scripts={folder}"], good=False)
        return said.split("failed ")[1].split()[0]


@test
def nothing_without_preparation():
    """clocks, pins and an octal chip's reset are the configuration's: without one of them no flash is found, and it is said"""
    def nothing(text):
        return text + "\nproc romline_prepare {} {}\n"
    equal([refused(b, nothing) for b in ("openmv-n6", "openmv-rt1062", "openmv-ae3")],
          ["flash-error", "swd-lost", "wrong-board"])
    # all but FlexSPI's clock: its registers are a bus fault
    equal(refused("openmv-rt1062", lambda text: text.replace("mmw 0x400FC080 0x00000C00 0", "")), "agent-silent")
    # all but FlexRAM's layout, of which firmware has made another one
    equal(refused("openmv-rt1062", lambda text: text.replace("mmw 0x400AC040", "# ")), "swd-lost")
    # all but the pulse on the reset of the chip, which firmware has left in octal mode
    equal(refused("openmv-n6", lambda text: text.replace("0x01AAAAAA", "0x00AAAAAA")), "wrong-board")
    equal(refused("openmv-ae3", lambda text: text.replace("mmw 0x49003004", "# ")), "wrong-board")


@test
def rt1062_is_no_dfu_device():
    """RT1062 on the line: nothing on USB while its loader runs, then its firmware; nothing calls itself 0000:0000"""
    with Line("openmv-rt1062", "--mode", "hold") as rig:
        equal(rig.camera()["mode"], "gone")
        rig.bad("cat /sys/bus/usb/devices/1-1.1/idVendor")
        rig.order("power-cycle 1 run")
        rig.order("wait 1 run 60000")
        rig.good("grep -q 37c5 /sys/bus/usb/devices/1-1.1/idVendor && grep -q 1060 /sys/bus/usb/devices/1-1.1/idProduct")
        rig.order("power-cycle 1 boot")
        rig.order("wait 1 run 60000")
        equal(len(rig.camera()["uid"]), 16)


if __name__ == "__main__":
    test.main()
