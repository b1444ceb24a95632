#!/usr/bin/env python3
"""Nothing grows with the number of cameras that came and went: slope.py [CYCLES [SEED]].

Cameras are plugged, then programmed, refused, hit by a fault or pulled in the middle, and unplugged again.  Now and then,
when all slots rest, the descriptors, threads and memory of the station and of the virtual line are read; descriptors and
threads must not be more in the last third than before, memory may grow by at most BYTES_PER_CYCLE a cycle (a straight line through the
readings after the first third, when caches and pools are full)."""
import os
import random
import sys
import time

from harness import RESTING, Rig, equal, until

CAMERAS = 8
READINGS = 24
BYTES_PER_CYCLE = 200
# Below this many cycles the pools of the first minute are all that memory shows.
CYCLES_FOR_MEMORY = 2000
FAULTS = ("at=dnload nth=2 do=stall", "at=program nth=2 do=status:errPROG", "at=upload nth=3 do=unplug",
          "at=open do=ebusy", "at=descriptor do=garbage", "at=getstatus nth=4 do=garbage", "at=upload nth=2 do=short:7",
          "at=upload nth=2 times=9 do=flip:5.1", "at=enumerate do=unplug", "at=erase do=power-cut")
PULLED = RESTING | {"empty", "running"}


def reading(pid):
    """(descriptors, threads, bytes of memory of its own)."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        rows = dict(line.split(":", 1) for line in f if ":" in line.split()[0])
    return (len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")),
            int(rows["Anonymous"].split()[0]) * 1024)


def quiet(pid):
    """The least of a few readings: a connection that is just being closed is no leak."""
    seen = []
    for _ in range(5):
        seen.append(reading(pid))
        time.sleep(0.05)
    return tuple(min(s[i] for s in seen) for i in range(3))


def slope(points):
    """Of the straight line that fits best: (cycles, bytes) to bytes a cycle."""
    n = len(points)
    x, y = sum(p[0] for p in points) / n, sum(p[1] for p in points) / n
    return sum((p[0] - x) * (p[1] - y) for p in points) / sum((p[0] - x) ** 2 for p in points)


def camera_of(slot):
    """Camera k is at 1-H.P."""
    hub, port = slot["path"][2:].split(".")
    return (int(hub) - 1) * 8 + int(port)


def one_round(rig, rng, counts):
    """Every camera once."""
    before = {s["slot"]: s["since"] for s in rig.slots()}
    pulled, unseen = [], set()  # one that was gone at once may never have been met
    rig.control("clear")
    for camera in range(1, CAMERAS + 1):
        dice = rng.random()
        if dice < 0.3:
            fault = rng.choice(FAULTS)
            unseen |= {camera} if "enumerate" in fault else set()
            rig.control(f"fault camera={camera} {fault}")
        rig.control(f"power-cycle {camera} hold")
        if dice > 0.9:
            pulled.append(camera)
            unseen.add(camera)
    for camera in pulled:
        time.sleep(rng.random() * 0.05)
        rig.control(f"unplug {camera}")

    def done():
        slots = [s for s in rig.slots() if s["slot"] in before]
        return slots if all(s["state"] in PULLED and (s["since"] != before[s["slot"]] or camera_of(s) in unseen)
                            for s in slots) else None
    try:
        slots = until(done, "all cameras of a round at rest", 120)
    except AssertionError as why:
        raise AssertionError(f"{why}: {[(s['slot'], s['state'], s['code'], s['since']) for s in rig.slots()]}, before {before}") from None
    for s in slots:
        counts[s["verdict"] or "-"] = counts.get(s["verdict"] or "-", 0) + 1
    rig.control("clear")


def judge(name, rows, cycles):
    settled = rows[len(rows) // 3:]
    grows = slope([(r[0], r[3]) for r in settled])
    print(f"# {name}: descriptors {rows[0][1]} then {settled[0][1]} to {settled[-1][1]}, threads {settled[0][2]} to "
          f"{settled[-1][2]}, memory {rows[0][3] >> 10} then {settled[0][3] >> 10} to {settled[-1][3] >> 10} KiB, "
          f"{grows:.0f} bytes a cycle", flush=True)
    for i, what in ((1, "descriptors"), (2, "threads")):
        earlier, late = (max(r[i] for r in part) for part in (rows[:-len(rows) // 3], rows[-len(rows) // 3:]))
        equal(late <= earlier, True, f"{name}: {what}, {earlier} at most, then {late}")
    if cycles >= CYCLES_FOR_MEMORY and grows > BYTES_PER_CYCLE:
        raise AssertionError(f"{name} grows by {grows:.0f} bytes a cycle: {[(r[0], r[3]) for r in rows]}")


def run(cycles, seed):
    rng = random.Random(seed)
    rounds = -(-cycles // CAMERAS)
    every = max(1, rounds // READINGS)
    rows = {"stationd": [], "virtual-line": []}
    counts = {}
    with Rig("openmv-n6,openmv-h7", cameras=CAMERAS, start=False, speed="instant", options=["--windows", "0.05"],
             return_ms=5000, program="already_passed = allow\nhold_after = 0\ndelta = auto", log="error") as rig:
        rig.start()
        path = rig.recipe(board="openmv-n6", files={"main.py": b"print('hello')\n" * 40, "data.bin": bytes(9000)})
        rig.open_batch(rig.upload(path), 1000000)
        until(lambda: len(rig.slots()) >= CAMERAS, "the slots are known")
        until(lambda: all(s["state"] in PULLED for s in rig.slots()), "all at rest")
        pids = {"stationd": rig.station_pid(), "virtual-line": rig.process.pid}
        for n in range(rounds):
            one_round(rig, rng, counts)
            if n % every == 0 or n == rounds - 1:
                for name, pid in pids.items():
                    rows[name].append(((n + 1) * CAMERAS, *quiet(pid)))
                    print(f"# {rows[name][-1][0]} cycles: {name}: {rows[name][-1][1:]}", flush=True)
        equal(pids["stationd"], rig.station_pid(), "the station is the one that was started")
    print(f"# {rounds * CAMERAS} cycles: {counts}")
    for want in ("PASS", "ERROR"):
        equal(counts.get(want, 0) > 0, True, want)
    for name, readings in rows.items():
        judge(name, readings, rounds * CAMERAS)


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 240
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print("1..1", flush=True)
    try:
        run(cycles, seed)
    except AssertionError as why:
        print(f"not ok 1 - nothing grows in {cycles} cycles (seed {seed})\n# {why}")
        sys.exit(1)
    print(f"ok 1 - nothing grows in {cycles} cycles of cameras that come and go (seed {seed})")


main()
