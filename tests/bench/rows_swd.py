"""SWD: the station's agent beside stock OpenOCD on the same virtual core in the same run, and beside what flash and wire
allow; how much of it is processor; one unit in a hundred changed; slots at once.  The wire is paced at 46 bits a word, flash
by the board file."""
import glob
import os
import random
import re
import subprocess
import tempfile

from bench import BLOCK, MIB, board_file, cpu, moment, quiet, step, step_end, wait_passed
from harness import payload
from nest_rig import MixedRig, ProbeRig, SwdRig

BOARD, PARTITION = "openmv-h7-plus", "ROMFS0"
CLOCKS = (3300, 8000, 24000)     # what an ST-Link V3 makes of 4, 10 and 24 MHz
DAP_CLOCKS = (4000, 10000, 24000)  # a CMSIS-DAP probe's is free
SLOTS = (1, 8, 16)
DELTA_UNITS, DELTA_CHANGED = 100, (37,)
WIRE_BITS, STOCK_S, UNIT = 46, 900, 65536


class PacedRig(SwdRig):
    """Nests whose probes go at the clock that the line file names."""

    def core_options(self):
        return ["--wire-khz", str(self.khz)]


def noise(size, seed):
    """Bytes that no compressor makes smaller."""
    return random.Random(seed).randbytes(size)


def written(attempt):
    return step(attempt, "written")["ms"] / 1e3


def limits(board, image, khz, erases):
    """(seconds where the wire limits, where flash does) that the write plan's blocks need, with so many erases: every block but
    those of 0xFF behind a unit's first, and the zeros of block 0, which are a few bytes on the wire.  Unit 0 comes last: its
    erase begins when all else has come over the wire."""
    times = board["times"]
    medium = next(m for m in board["media"] if m["name"] == "qspi")
    program_us, program_bytes = medium["program_us"] or times["program_us"], medium["program_bytes"] or times["program_bytes"]
    blocks = [image[at:at + BLOCK] for at in range(0, len(image), BLOCK)]
    sent = [n for n, b in enumerate(blocks) if n % (UNIT // BLOCK) == 0 or b.strip(b"\xff")]
    program = BLOCK / program_bytes * program_us / 1e6
    erase = times["erase_ms"][str(UNIT)] / 1e3
    tail = max(sum(n < UNIT // BLOCK for n in sent) * BLOCK / 4 * WIRE_BITS / (khz * 1e3), erase) + program
    others = sum(n >= UNIT // BLOCK for n in sent) * BLOCK / 4 * WIRE_BITS / (khz * 1e3)
    return others + tail, (len(sent) + 1) * program + erases * erase


def stock(rig, khz, path, address, config=f"{BOARD}.cfg", bank=2):
    """OpenOCD alone: `flash write_image erase` and `verify_image`; the seconds that it says, and its processor time."""
    command = ["openocd", "-c", "tcl_port disabled; gdb_port disabled; telnet_port disabled", "-c",
               f"adapter driver st-link; st-link vid_pid 0x0483 0x374f; st-link backend tcp {rig.ports[0]}; "
               f"transport select dapdirect_swd; adapter speed {khz}", "-s", "fixtures/openocd", "-f", config,
               "-c", f"adapter speed {khz}; init; reset halt; adapter speed {khz}; romline_prepare; romline_stock_begin; "
               f"flash probe {bank}; "
               f"echo [flash write_image erase {path} {address} bin]; "
               f"echo [verify_image {path} {address} bin]; shutdown"]
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, timeout=STOCK_S)
    after = os.times()
    wrote = re.search(r"wrote (\d+) bytes from file \S+ in ([\d.]+)s", done.stdout + done.stderr)
    if not wrote or not int(wrote[1]) or "verified" not in done.stdout + done.stderr:
        raise SystemExit(f"stock OpenOCD did not write: {done.stdout[-600:]} {done.stderr[-1500:]}")
    return float(wrote[2]), after.children_user - before.children_user + after.children_system - before.children_system


def alone(rig):
    """A fresh camera in the nest, and no station that looks at it."""
    rig.stop()
    rig.plug(1)


def clocks(bench):
    board = board_file(BOARD)
    partition = next(p for p in board["partitions"] if p["name"] == PARTITION)
    mark = board["times"]["mark"]
    for khz in CLOCKS:
        with tempfile.TemporaryDirectory() as work, quiet(PacedRig(BOARD, start=False, speed="datasheet", khz=khz)) as rig:
            rig.start(cameras=0)
            path = rig.recipe(files={"model.bin": noise(MIB, khz)})
            image = payload(path, PARTITION)
            rig.open_batch(rig.upload(path))
            rig.plug(1)
            [blank] = wait_passed(rig, 1, 600)
            used = cpu(rig.station_pid(), children=True)
            alone(rig)
            with open(f"{work}/image", "wb") as f:
                f.write(image)
            theirs, their_cpu = stock(rig, khz, f"{work}/image", partition["mapped"])
        units = 2  # the factory's empty image stands in the first one, which is erased twice
        wire, flash = limits(board, image, khz, units)
        rule = "flash" if flash > wire else "wire"
        bench.row(f"swd: {BOARD}, {len(image) / MIB:.1f} MiB at {khz / 1000:g} MHz, written", [written(blank)], [max(wire, flash)],
                  f"what the {rule} allows", "s", 1.10, mark=mark)
        bench.row(f"swd: the same, beside stock OpenOCD at {khz / 1000:g} MHz", [written(blank)], [theirs],
                  "flash write_image erase", "s", 1.0, "faster", mark=mark)
        bench.row(f"swd: CPU per MiB of station and OpenOCD at {khz / 1000:g} MHz, all of an attempt",
                  [1e3 * used * MIB / len(image)], [1e3 * their_cpu * MIB / len(image)],
                  "stock OpenOCD's, write and verify", "ms", 2.0)


def dap_clocks(bench):
    """The same through a CMSIS-DAP v2 probe with packets of 1024 bytes, on the virtual line's USB."""
    board = board_file(BOARD)
    for khz in DAP_CLOCKS:
        with quiet(ProbeRig(board=BOARD, usb=False, speed="datasheet", khz=khz, options=["--wire-khz", str(khz)])) as rig:
            path, _, _ = rig.prepare(files={"model.bin": noise(MIB, khz)})
            rig.start(mode="hold")
            [attempt] = wait_passed(rig, 1, 600)
            image = payload(path, PARTITION)
        wire, flash = limits(board, image, khz, 2)
        bench.row(f"swd: {BOARD}, {len(image) / MIB:.1f} MiB by CMSIS-DAP at {khz / 1000:g} MHz, written", [written(attempt)],
                  [max(wire, flash)], f"what the {'flash' if flash > wire else 'wire'} allows", "s", 1.10,
                  mark=board["times"]["mark"])


def from_compare(attempt):
    """Seconds from the first look at flash to the last byte written."""
    return step_end(attempt, "written") - moment(step(attempt, "compared")["started_at"])


def delta(bench):
    """One unit in a hundred changed."""
    unit, khz = UNIT, 24000
    data = noise(DELTA_UNITS * unit - 2 * unit, 3)
    changed = bytearray(data)
    for n in DELTA_CHANGED:
        changed[n * unit] ^= 1
    with quiet(MixedRig(nests={1}, cameras=1, usb=False, speed="datasheet", khz=khz, options=["--wire-khz", str(khz)])) as rig:
        _, _, batch = rig.prepare(files={"model.bin": data})
        rig.start(mode="hold")
        [full] = wait_passed(rig, 1, 600)
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        rig.control("unplug 1")
        rig.wait_slot(1, {"empty"})
        rig.open_batch(rig.upload(rig.recipe(version="1.0.1", files={"model.bin": bytes(changed)})), order="WO-2")
        rig.control("plug 1")
        rig.wait_slot(1, {"compared", "written", "read-back", "proved"})
        [again] = wait_passed(rig, 1, 600)
    crc = step(again, "compared")["ms"] / 1e3
    bench.row(f"swd: {BOARD} again, {len(DELTA_CHANGED)} of {DELTA_UNITS} units changed", [from_compare(again)],
              [0.10 * from_compare(full) + crc], "0.10 x full + the CRC pass", "s", 1.0, mark=board_file(BOARD)["times"]["mark"])


def waited(pid):
    """Seconds that a process has waited for a processor, by its scheduler's count: that of the thread that waited longest."""
    longest = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as f:
            longest = max(longest, int(f.read().split()[1]))
    return longest / 1e9


def at_once(count):
    """([seconds from plugged to proof, seconds that its core waited for a processor] of each slot, processor seconds of the
    station and its OpenOCDs)."""
    with quiet(PacedRig(BOARD, cameras=count, start=False, speed="datasheet", khz=8000)) as rig:
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe(files={"model.bin": noise(MIB, 5)})))
        for number in range(1, count + 1):
            rig.plug(number)
        attempts = wait_passed(rig, count, 900)
        seconds = [step_end(a, "proved") - moment(a["started_at"]) for a in attempts]
        return [(s, waited(rig.cores[a["slot"]].pid)) for s, a in zip(seconds, attempts)], cpu(rig.station_pid(), children=True)


def slots(bench):
    """The emulated cores share the processors with each other; cameras would not.  So what each of them waited for one is taken
    out in a second row."""
    mark = board_file(BOARD)["times"]["mark"]
    [(alone, lone)], station = at_once(SLOTS[0])
    bench.row("swd: CPU of station and OpenOCD for one slot at 8 MHz, plugged to proof", [station], [alone], "its seconds", "s", 1.0,
              mark=mark)
    for count in SLOTS[1:]:
        each, _ = at_once(count)
        bench.row(f"swd: {count} slots at once at 8 MHz, the slowest, plugged to proof", [s for s, _ in each], [alone], "one of them",
                  "s", 1.10, mark=mark, take=max)
        bench.row(f"swd: {count} slots at once, what each emulated core waited for a processor taken out", [s - w for s, w in each],
                  [alone - lone], "one of them, likewise", "s", 1.10, mark=mark, take=max)


def firmware(path):
    """A megabyte of internal flash: a vector table, a loop for the core to be seen in, noise."""
    data = bytearray(noise(MIB, 7))
    data[:8] = (0x20020000).to_bytes(4, "little") + (0x08040201).to_bytes(4, "little")
    data[0x200:0x202] = b"\xfe\xe7"
    with open(path, "wb") as f:
        f.write(data)


def internal(bench):
    """The chip's own flash: here stock OpenOCD programs with the narrowest parallelism
    (src/flash/nor/stm32h7x.c of v0.12.0: its stub sets PG alone)."""
    board, khz = board_file("openmv-h7"), 8000
    partition = next(p for p in board["partitions"] if p["name"] == "FIRMWARE")
    with tempfile.TemporaryDirectory() as work, quiet(PacedRig("openmv-h7", start=False, speed="datasheet", khz=khz)) as rig:
        rig.start(cameras=0)
        firmware(f"{work}/firmware")
        rig.open_batch(rig.upload(rig.recipe(parts=[f"FIRMWARE={work}/firmware"])))
        rig.plug(1)
        [attempt] = wait_passed(rig, 1, 900)
        alone(rig)
        theirs, _ = stock(rig, khz, f"{work}/firmware", partition["mapped"], "stm32h7.cfg", 0)
    bench.row("swd: openmv-h7, 1 MiB of internal flash, erased and written, beside stock OpenOCD (modelled)",
              [written(attempt)], [theirs], "flash write_image erase", "s", 2.0, "faster", mark=board["times"]["mark"])


ROWS = [("swd internal", internal), ("swd clocks", clocks), ("swd dap", dap_clocks), ("swd delta", delta), ("swd slots", slots)]
