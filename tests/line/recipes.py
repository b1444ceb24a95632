#!/usr/bin/env python3
"""Recipes of more than one ROMFS: firmware, several partitions, blanked tails, cameras that stay in their bootloader."""
import os
import struct

from harness import RESTING, Rig, Tests, equal, payload, tree, until

test = Tests()
STEPS = ["identified", "admitted", "compared", "written", "read-back", "proved", "restarted", "confirmed"]
CODE = {"openmv-n6": (0x34000000, 0x70080000), "openmv-h7": (0x20000000, 0x08040000),
        "openmv-ae3": (0x20000000, 0x80020000)}


def noise(size, seed):
    out = bytearray()
    while len(out) < size:
        seed = (seed * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out += struct.pack("<Q", seed)
    return bytes(out[:size])


def firmware(board, size, seed=1, code=None):
    """Starts like firmware: a stack pointer and a reset vector."""
    stack, start = CODE[board]
    return struct.pack("<II", stack + 0x1000, (code or start) + 0x401) + noise(size - 8, seed)


def part(rig, name, data):
    path = os.path.join(rig.work, name)
    if isinstance(data, dict):
        return tree(path, data)
    with open(path, "wb") as f:
        f.write(data)
    return path


def open_batch(rig, parts, extra=(), **options):
    """parts: what goes into each partition; returns the recipe's path."""
    rig.start(cameras=0)
    names = [f"{p}={part(rig, f'{p}.part', data)}" for p, data in parts.items()]
    path = rig.recipe(parts=names, extra=list(extra), **options)
    rig.open_batch(rig.upload(path))
    equal(rig.stop(), 0, "exit status")
    return path


def plug_all(rig, count=None):
    for camera in range(1, (count or rig.cameras) + 1):
        rig.control(f"power-cycle {camera} hold")


def fixture(board, **options):
    options.setdefault("speed", "100")
    options.setdefault("program", "hold_after = 0")  # the same trouble in every slot is what is wanted
    return Rig(board, start=False, options=["--windows", "0.5"], **options)


def junk(rig, camera, partition, size, byte=0x5a):
    rig.control(f"load {camera} {partition} {part(rig, 'junk', bytes([byte]) * size)}")


def program(rig, path, parts, tails=()):
    """One camera full of junk; it passes and holds every region, and what lies behind them is kept or blank."""
    rig.start(mode="run")
    until(lambda: rig.slots(), "the camera is there")
    sizes = {p: len(rig.dump(1, p)) for p in parts}
    for p, size in sizes.items():
        if "FIRMWARE" not in p and p not in ("HP", "HE"):
            junk(rig, 1, p, size)
    before = {p: rig.dump(1, p) for p in parts}
    plug_all(rig)
    slot = rig.wait_slot(1, RESTING)
    equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
    attempt = rig.rest(f"/attempts/{slot['attempt']}")
    equal([s["step"] for s in attempt["steps"]], STEPS)
    equal(sorted(r["partition"] for r in attempt["regions"]), sorted(parts))
    for p in parts:
        want, flash = payload(path, p), rig.dump(1, p)
        equal(flash[:len(want)] == want, True, f"{p} holds its payload")
        region = next(r for r in attempt["regions"] if r["partition"] == p)
        equal((region["crc32"], region["length"]), (region["crc32_read"], len(want)), p)
        equal(region["files"] is not None, "ROMFS" in p, f"files of {p}")
        end = -(-len(want) // 262144) * 262144
        if p in tails:
            equal(flash[end:] == b"\xff" * (len(flash) - end), True, f"the tail of {p} is blank")
        else:
            equal(flash[end:] == before[p][end:], True, f"the tail of {p} is as it was")
    return attempt


@test
def n6_firmware():
    """openmv-n6: firmware, file system and ROMFS with a blank tail in one recipe"""
    with fixture("openmv-n6") as rig:
        parts = {"FIRMWARE": firmware("openmv-n6", 200000), "FILESYSTEM": noise(70000, 2),
                 "ROMFS0": {"main.py": b"print(1)\n", "data.bin": noise(200000, 3)}}
        path = open_batch(rig, parts, ["--tail", "ROMFS0=blank"])
        attempt = program(rig, path, parts, {"ROMFS0"})
        equal(attempt["proof"], "run-serial")


@test
def h7_firmware():
    """openmv-h7: firmware and ROMFS on write-once internal flash"""
    with fixture("openmv-h7") as rig:
        parts = {"FIRMWARE": firmware("openmv-h7", 300000), "ROMFS0": {"main.py": b"print(1)\n"}}
        program(rig, open_batch(rig, parts), parts)


@test
def ae3_all():
    """openmv-ae3: both cores' firmware and both ROMFS, on MRAM and NOR"""
    with fixture("openmv-ae3") as rig:
        parts = {"HP": firmware("openmv-ae3", 150000), "HE": firmware("openmv-ae3", 100000, 2, 0x80320000),
                 "ROMFS1": {"he.py": b"print(2)\n" * 2000}, "ROMFS0": {"main.py": b"print(1)\n", "d": noise(50000, 4)}}
        attempt = program(rig, open_batch(rig, parts), parts)
        equal(attempt["proof"], "run", "its serial in run mode is not known beforehand")


@test
def stays_in_bootloader():
    """after.mode bootloader: PASS with the camera still in its bootloader, every step on disk"""
    with fixture("openmv-n6") as rig:
        parts = {"ROMFS0": {"main.py": b"print(1)\n"}}
        open_batch(rig, parts, ["--after", "bootloader"])
        rig.start(mode="run")
        until(lambda: rig.slots(), "the camera is there")
        plug_all(rig)
        slot = rig.wait_slot(1, RESTING)
        equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal([s["step"] for s in attempt["steps"]], STEPS)
        equal(attempt["proof"], "bootloader")
        equal((rig.camera(1)["mode"] in ("boot", "hold"), rig.camera(1)["latched"]), (True, True))


test.main()
