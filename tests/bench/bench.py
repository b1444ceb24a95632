"""What the families of rows share: rows with medians and spread, cameras and their wire, quiet waiting."""
import json
import math
import os
import statistics
import subprocess
import sys
import time
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "line"))
from harness import BUILD, CTL, RESTING, Rig, tree  # noqa: E402, F401

ROUNDS = int(os.environ.get("ROUNDS") or 3)
MIB = 1 << 20
BLOCK = 4096
OUT, RAW = "build/bench.json", "build/bench-raw.json"
LIMIT = "the limit"


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


class Bench:
    """Collects rows; each is printed as it comes and both files are rewritten, so that a run may be stopped."""

    def __init__(self):
        self.rows, self.raw = [], []

    def row(self, name, ours, other, other_name, unit, goal, better="less", mark=None, take=statistics.median,
            take_other=statistics.median):
        """ours and other: samples.  better: `less` (ratio ours/other, at most the goal), `more` (ours/other, at least),
        `faster` (other/ours, at least)."""
        a, b = take(ours), take_other(other)
        ratio = b / a if better == "faster" else a / b
        holds = ratio <= goal if better == "less" else ratio >= goal
        self.rows.append({"name": name, "ours": round(a, 4), "other": round(b, 4), "other_name": other_name, "unit": unit,
                          "ratio": round(ratio, 4), "goal": goal, "holds": holds})
        self.raw.append({"name": name, "better": better, "take": take.__name__, "ours": ours, "other": other, "mark": mark,
                         "load": os.getloadavg()[0]})
        print(f"  {name}\n      {a:.4g} {unit} {spread(ours)}, {other_name} {b:.4g} {unit} {spread(other)}; ratio {ratio:.3f},"
              f" goal {'<=' if better == 'less' else '>='} {goal}: {'holds' if holds else 'DOES NOT HOLD'}"
              f"{f' (flash times: {mark})' if mark else ''}", flush=True)
        for path, what in ((OUT, self.rows), (RAW, self.raw)):
            with open(path, "w") as f:
                json.dump(what, f, indent=1)

    def limit(self, name, ours, unit, limit, **more):
        """A row against a fixed limit."""
        self.row(name, ours, [limit], LIMIT, unit, 1.0, **more)


def p99(values):
    return percentile(values, 0.99)


def spread(samples):
    return f"[{min(samples):.4g}..{max(samples):.4g}, n={len(samples)}]" if len(samples) > 1 else "[n=1]"


# --- images --------------------------------------------------------------------------------------------------------


def contents(size, changes=()):
    """A file whose bytes repeat nowhere and hold no block of 0xFF; each change spoils the block at that offset."""
    data = bytearray(b"".join(i.to_bytes(4, "big") for i in range(size // 4)))
    for offset in changes:
        data[offset:offset + 4] = b"new!"
    return {"model.dat": bytes(data)}


def board_file(board):
    with open(f"fixtures/boards/{board}.json") as f:
        return json.load(f)


# --- the shortest legal time, from the board file and the image alone ----------------------------------------------


class Camera:
    """Seconds of a ROMFS0 image on one camera, counted here from the board file and not by the station."""

    def __init__(self, board):
        self.file = board_file(board)
        self.mark = self.file["times"]["mark"]
        self.ids = self.file["usb"]["dfu"]
        self.partition = next(p for p in self.file["partitions"] if p["name"] == "ROMFS0")
        [[self.unit, self.units]] = self.partition["erase"]
        self.erase_s = self.file["times"]["erase_ms"][str(self.unit)] / 1e3
        times = self.file["times"]
        self.program_s = BLOCK / times["program_bytes"] * times["program_us"] / 1e6

    def wire(self, size):
        """A control transfer: set-up, data, status, back to back (USB 2.0, tables 5-2 and 5-3)."""
        packets = 2 + math.ceil(size / 64)
        return packets * (125e-6 / 26 if self.file["usb"]["speed"] == "high" else 1e-3 / 13)

    def plan(self, image):
        """(blocks, erases) that the write plan needs: block 0 as zeros, then every unit's blocks but blank ones behind
        its first."""
        blocks = [image[at:at + BLOCK] for at in range(0, len(image), BLOCK)]
        per_unit = self.unit // BLOCK
        sent = sum(1 for n, b in enumerate(blocks) if n % per_unit == 0 or b.strip(b"\xff"))
        units = math.ceil(len(blocks) / per_unit)
        return (sent + 1, units + 1) if units > 1 else (sent, 1)

    def wires(self, image, compared=4):
        """Seconds on the wire: one compared block in each unit, until four in a row differ; each planned block with its
        two GETSTATUS; one read-back."""
        sent, _ = self.plan(image)
        units = math.ceil(len(image) / self.unit)
        return (min(units, compared) + math.ceil(len(image) / BLOCK)) * self.wire(BLOCK) + \
            sent * (self.wire(BLOCK) + 2 * self.wire(6)) + 3 * self.wire(0) + self.wire(6)

    def shortest(self, image):
        sent, erases = self.plan(image)
        return self.wires(image) + sent * self.program_s + erases * self.erase_s

    def admission(self):
        """Seconds on the wire before the first compared block: latch, names, the bootloader's bytes, the partition's
        end."""
        boot = next(p for p in self.file["partitions"] if p["role"] == "bootloader")
        return (1 + boot["size"] // BLOCK + 1) * self.wire(BLOCK) + (2 + len(self.file["partitions"])) * self.wire(64) + \
            2 * self.wire(0)


# --- the station ---------------------------------------------------------------------------------------------------


def quiet(rig):
    """As in production: no debug log."""
    with open(rig.config) as f:
        text = f.read()
    with open(rig.config, "w") as f:
        f.write(text.replace("level = debug", "level = info"))
    return rig


def wait_passed(rig, count, seconds, every=1.0):
    """All slots passed; asks rarely, so that asking is no part of what is measured."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(every)
        slots = rig.slots()
        if len(slots) >= count and all(s["state"] in RESTING for s in slots):
            bad = [(s["slot"], s["state"], s["code"]) for s in slots if s["state"] != "passed"]
            if bad:
                raise SystemExit(f"not passed: {bad[:8]}")
            return [rig.rest(f"/attempts/{s['attempt']}") for s in slots]
    raise SystemExit(f"not done within {seconds} s")


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def step(attempt, name):
    return next(s for s in attempt["steps"] if s["step"] == name)


def step_end(attempt, name):
    s = step(attempt, name)
    return moment(s["started_at"]) + s["ms"] / 1e3


def worked(attempt, first="compared"):
    """Seconds from the beginning of a step to the proof: boot, restart and verdict excluded."""
    return step_end(attempt, "proved") - moment(step(attempt, first)["started_at"])


def cpu(pid, children=False):
    """Seconds of user and system time of a process so far; with those of its children that have ended."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15 if children else 13])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


# --- the peer ------------------------------------------------------------------------------------------------------


def dfu_util(camera, board, image, work, cameras=1, together=True):
    """dfu-util -D then -U of the same bytes on the same virtual cameras: {wall, cpu, each}."""
    path = f"{work}/image"
    with open(path, "wb") as f:
        f.write(image)
    answer = subprocess.run(
        [f"{BUILD}/virtual-line", "--cameras", str(cameras), "--board", board, "--mode", "hold", "--speed", "datasheet",
         "--", sys.executable, "tests/bench/dfu_util.py", path, camera.ids, str(cameras), "together" if together else "one"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(answer)
