"""SWD: the station's agent beside stock OpenOCD on the same virtual core in the same run, and beside what flash and wire
allow; how much of it is processor; slots at once.  The wire is paced at 46 bits a word, flash by the board file."""
import os
import random
import re
import subprocess
import tempfile

from bench import MIB, board_file, cpu, quiet, step, wait_passed
from harness import payload
from nest_rig import SwdRig

BOARD, PARTITION = "openmv-h7-plus", "ROMFS0"
CLOCKS = (3300, 8000, 24000)  # what an ST-Link V3 makes of 4, 10 and 24 MHz
WIRE_BITS, STOCK_S = 46, 900


class PacedRig(SwdRig):
    """Nests whose probes go at the clock that the line file names."""

    def core_options(self):
        return ["--wire-khz", str(self.khz)]


def noise(size, seed):
    """Bytes that no compressor makes smaller."""
    return random.Random(seed).randbytes(size)


def written(attempt):
    return step(attempt, "written")["ms"] / 1e3


def limits(board, size, khz, units):
    """(seconds on the wire, seconds in flash) of so many bytes, of which so many erase units are erased."""
    times = board["times"]
    medium = next(m for m in board["media"] if m["name"] == "qspi")
    program_us, program_bytes = medium["program_us"] or times["program_us"], medium["program_bytes"] or times["program_bytes"]
    return size / 4 * WIRE_BITS / (khz * 1e3), size / program_bytes * program_us / 1e6 + units * times["erase_ms"]["65536"] / 1e3


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
        wire, flash = limits(board, len(image), khz, units)
        rule = "flash" if flash > wire else "wire"
        bench.row(f"swd: {BOARD}, {len(image) / MIB:.1f} MiB at {khz / 1000:g} MHz, written", [written(blank)], [max(wire, flash)],
                  f"what the {rule} allows", "s", 1.10, mark=mark)
        bench.row(f"swd: the same, beside stock OpenOCD at {khz / 1000:g} MHz", [written(blank)], [theirs],
                  "flash write_image erase", "s", 1.0, "faster", mark=mark)
        bench.row(f"swd: CPU per MiB of station and OpenOCD at {khz / 1000:g} MHz, all of an attempt",
                  [1e3 * used * MIB / len(image)], [1e3 * their_cpu * MIB / len(image)],
                  "stock OpenOCD's, write and verify", "ms", 2.0)


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


ROWS = [("swd internal", internal), ("swd clocks", clocks)]
