"""What the fault suites share: recipes that are built and signed once, a fixture of up to 64 cameras in front of the
real station, and what a camera's flash holds afterwards.

Contents never repeat from block to block: an answer that belongs to another block must not look right."""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "line"))
from harness import BUILD, CTL, RESTING, Rig, payload, tree, until  # noqa: E402
from middleman import Middlemen  # noqa: E402
from nest_rig import NEST_PORT, lay_out, left_behind  # noqa: E402

ORDER = ["identified", "admitted", "compared", "written", "read-back", "proved", "restarted", "confirmed"]
HUB = 8  # cameras on one
DONE = RESTING | {"running", "empty"}  # states in which nothing is on its way
COMMIT = 14  # bytes at the start of an image with a commit unit that are not padding
LOOK = 1 << 20  # how far behind the image contents are looked at
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
# What firmware starts with, by partition: a stack pointer and where its code lies.
CODE = {("openmv-m4", "FIRMWARE"): (0x20000000, 0x08010000), ("openmv-m7", "FIRMWARE"): (0x20000000, 0x08020000),
        ("openmv-h7", "FIRMWARE"): (0x20000000, 0x08040000), ("openmv-h7-plus", "FIRMWARE"): (0x20000000, 0x08040000),
        ("openmv-pure-thermal", "FIRMWARE"): (0x20000000, 0x08040000),
        ("openmv-n6", "FIRMWARE"): (0x34000000, 0x70080000), ("openmv-ae3", "HP"): (0x20000000, 0x80020000),
        ("openmv-ae3", "HE"): (0x20000000, 0x80320000),
        ("arduino-portenta-h7", "FIRMWARE"): (0x20000000, 0x08040000)}
BOARDS = sorted({board for board, _ in CODE})


def board_file(board):
    with open(f"fixtures/boards/{board}.json") as f:
        return json.load(f)


def unit0(board, partition):
    """The bytes of a partition's first programming unit."""
    erase = next(p["erase"] for p in board_file(board)["partitions"] if p["name"] == partition)
    return max(erase[0][0] if erase else 0, 4096)


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def firmware(board, partition, size, seed):
    stack, code = CODE[board, partition]
    return struct.pack("<II", stack + 0x1000, code + 0x401) + noise(size - 8, seed)


def application(size, seed):
    """Files of a ROMFS, some `size` bytes of them."""
    return {"main.py": f"print({seed})\n".encode(), "lib/a.bin": noise(size // 3, seed),
            "b.bin": noise(size - size // 3, seed + 1)}


# A recipe's kind: what goes into each partition.  A folder gets a commit unit where there are several units; "plain"
# has none.
KINDS = {
    "app": {"ROMFS0": ("dir", 100000)},
    "plain": {"ROMFS0": ("plain", 100000)},
    "small": {"ROMFS0": ("dir", 21000)},
    "firmware": {"FIRMWARE": ("firmware", 150000), "ROMFS0": ("dir", 40000)},
    "cores": {"HP": ("firmware", 20000), "HE": ("firmware", 14000), "ROMFS1": ("dir", 30000), "ROMFS0": ("dir", 20000)},
    "mram": {"ROMFS1": ("dir", 60000)},
    "mram-plain": {"ROMFS1": ("plain", 60000)},
}


class Kitchen:
    """Keys, recipes and older contents, made once for every fixture of a run."""

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix="romline-recipes-")
        self.key, self.public = os.path.join(self.work, "key"), os.path.join(self.work, "test.pub")
        self.recipes, self.images = {}, {}
        self.lock = threading.RLock()  # fixtures that begin at once share a kitchen
        subprocess.run(["minisign", "-G", "-W", "-p", self.public, "-s", self.key], check=True, stdout=subprocess.DEVNULL)

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def file(self, name, data):
        path = os.path.join(self.work, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def romfs(self, board, partition, size, seed, commit=True):
        key = (board, partition, size, seed, commit)
        if key not in self.images:
            name = "-".join(map(str, key))
            tree(os.path.join(self.work, name), application(size, seed))
            out = os.path.join(self.work, name + ".img")
            subprocess.run([CTL, "romfs", "build", os.path.join(self.work, name), "-b", board, "-p", partition, "-o", out,
                            *([] if commit else ["--no-commit-unit"])], check=True, stdout=subprocess.DEVNULL)
            self.images[key] = out
        return self.images[key]

    def content(self, board, partition, what, seed):
        """A file that a recipe's partition can be made of."""
        kind, size = what
        if kind == "firmware":
            return self.file(f"{board}-{partition}-{seed}.bin", firmware(board, partition, size, seed))
        return self.romfs(board, partition, size, seed, kind == "dir")

    def old(self, board, partition, kind):
        """What a used camera holds there: another application, whole and mounting; another firmware."""
        what = KINDS[kind][partition]
        with self.lock:
            return self.content(board, partition, (what[0], what[1] * 4 // 5), 77)

    def recipe(self, board, kind, extra=()):
        """(path of the signed image, {partition: bytes})."""
        key = (board, kind, *extra)
        with self.lock:
            if key not in self.recipes:
                self.recipes[key] = self.cook(key, board, kind, extra)
            return self.recipes[key]

    def cook(self, key, board, kind, extra):
        name = os.path.join(self.work, "-".join(key).replace("=", "-").replace("--", ""))
        parts = [f"{p}={self.content(board, p, what, 5)}" for p, what in KINDS[kind].items()]
        subprocess.run([CTL, "recipe", "build", "-b", board, "-n", kind, "-v", "1.0.0", *extra, "-o", name, *parts],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([CTL, "recipe", "sign", "-k", self.key, name, "-o", name + ".img"], check=True,
                       stdout=subprocess.DEVNULL)
        return name + ".img", {p: payload(name + ".img", p) for p in KINDS[kind]}


def impatient(board):
    """Nobody returns late here: the virtual cameras' windows are a tenth."""
    board["times"].update(return_ms=10000, boot_ms=300)


class Fixture(Rig):
    """Cameras of one board or several, each with its recipe in an open batch, all of them in run mode at first."""

    def __init__(self, kitchen, board, cameras, kind, program="", options=(), windows="0.1", speed="50", extra=(),
                 hold_after=0, nests=()):
        """nests: cameras that are programmed through a debug probe, and may have a middleman before their OpenOCD."""
        if nests:
            options = ["--probe", "st-link", "--probe-port", str(NEST_PORT), *options]
        if all(one.startswith("arduino-") for one in board.split(",")):  # half a minute to boot, and no other windows
            windows = "0.01"
        super().__init__(board, cameras=cameras, start=False, mode="run", speed=speed, boards=impatient,
                         program=f"hold_after = {hold_after}\nalready_passed = allow\n{program}",
                         options=["--windows", windows, *options])
        shutil.copy(kitchen.public, os.path.join(self.trust, "test.pub"))
        self.kitchen, self.want, self.kinds, self.nests, self.middlemen = kitchen, {}, {}, set(nests), None
        if nests:
            lay_out(self, self.nests, (board.split(",") * cameras)[:cameras])
            self.middlemen = Middlemen(self)
        self.start()
        self.there = {c["camera"]: c for c in self.control("state")["cameras"]}
        self.home = {n: c["path"] for n, c in self.there.items()}
        self.empty_nests()  # before there is a batch that their cameras would be programmed for
        for one in sorted({c["board"] for c in self.there.values()} & set(BOARDS)):
            self.kinds[one] = kind if isinstance(kind, str) else kind(one)
            path, self.want[one] = kitchen.recipe(one, self.kinds[one], extra)
            self.open_batch(self.upload(path), 100000, f"WO-{one}")

    def wait_there(self):
        until(lambda: len(self.slots()) >= self.cameras, "all cameras are there")

    def board_of(self, camera):
        return self.there[camera]["board"]

    def slot_of(self, camera):
        return next((s for s in self.slots() if s["path"] == self.home[camera]), None)

    def last_attempt(self):
        with self.database() as db:
            return db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]

    def rows(self, since):
        """{path: [attempt]} of those that began behind a row of the journal, with what their rows say."""
        out = {}
        with self.database() as db:
            bodies = db.execute("SELECT seq, body FROM journal WHERE seq > ? AND kind LIKE 'attempt-%' ORDER BY seq",
                                (since,)).fetchall()
        by_id = {}
        for seq, text in bodies:
            body = json.loads(text)
            if body["kind"] in ("attempt-started", "attempt-refused"):
                by_id[str(seq)] = one = {"id": str(seq), "steps": list(body.get("steps", [])), "ends": 0, **body}
                out.setdefault(body["path"], []).append(one)
            one = by_id.get(body.get("attempt"), by_id.get(str(seq)))
            if body["kind"] == "attempt-step":
                one["steps"].append(body)
            if body["kind"] in ("attempt-ended", "attempt-refused"):
                one.update(ends=one["ends"] + 1, code=body["code"], message=body["message"],
                           verdict=body.get("verdict", "ERROR"), refused=body["kind"] == "attempt-refused",
                           retries=body.get("retries", 0))
        return out

    def load_old(self, camera):
        board = self.board_of(camera)
        for partition in self.want[board]:
            self.control(f"load {camera} {partition} {self.kitchen.old(board, partition, self.kinds[board])}")

    def power(self, cameras):
        for camera in cameras:
            self.control(f"{'plug' if camera in self.nests else 'power-cycle'} {camera} hold")

    def empty_nests(self):
        """Takes the cameras out of their nests, and waits until the station has seen that; a probe that was pulled is there
        again with its camera's next power."""
        homes = {self.home[n]: n for n in self.nests}

        def full():
            return [homes[s["path"]] for s in self.slots() if s["path"] in homes and (s["camera"] or s["state"] not in DONE)]
        for camera in self.nests:
            self.control(f"unplug {camera}")
        for _ in range(120):
            if not full():
                return
            time.sleep(1)
            for camera in full():
                self.control(f"plug {camera} hold")
                self.control(f"unplug {camera}")
        raise AssertionError(f"the nests {full()} are never empty")

    def order_middleman(self, camera, specs):
        """What goes wrong at the OpenOCD of a nest, or in what its agent says."""
        board = self.board_of(camera)
        description = board_file(board)
        place = next(p for p in description["partitions"] if p["name"] == "ROMFS0")
        base = min(int(p["address"], 0) for p in description["partitions"] if p["medium"] == place["medium"])
        image = self.kitchen.file(f"{board}-{self.kinds[board]}-wanted", self.want[board]["ROMFS0"])
        listed = json.loads(subprocess.run([CTL, "romfs", "ls", "--json", image], check=True, capture_output=True).stdout)
        truth = {"camera": camera, "control": self.control_path, "image": image, "start": int(place["address"], 0) - base,
                 "buffers": int(description["swd"]["agent"]["buffers"], 0), "mapped": int(place["mapped"], 0),
                 "files": {str(e["offset"]): int(e["crc32"], 16) for e in listed["entries"] if e["type"] == "file"}}
        self.middlemen.order(NEST_PORT + camera - 1, specs, truth)

    def fired(self, camera):
        """{SPEC without camera=: how often} of a nest's middleman."""
        path = self.middlemen and self.middlemen.path(NEST_PORT + camera - 1)
        return self.middlemen.fired(NEST_PORT + camera - 1) if path and os.path.exists(path) else {}

    def left_behind(self):
        return left_behind(self) if self.nests else {}

    def go_home(self):
        """Whoever came up elsewhere goes back to its place."""
        for c in self.control("state")["cameras"]:
            if c["path"] != self.home[c["camera"]]:
                self.control(f"move {c['camera']} {self.home[c['camera']]}")

    def peek(self, camera, partition, size):
        """The first bytes of a partition; what is behind them is not carried through a disk for nothing."""
        with tempfile.NamedTemporaryFile(dir=MEMORY) as f:
            self.control(f"dump {camera} {partition} {f.name}")
            return f.read(size)

    def look(self, camera, partition):
        """recipe, old, parked, boots, none (nothing mounts), wrong (something else mounts); whole: the recipe but for
        padding of its commit unit, which no reader looks at."""
        board = self.board_of(camera)
        want = self.want[board][partition]
        with open(self.kitchen.old(board, partition, self.kinds[board]), "rb") as f:
            old = f.read()
        flash = self.peek(camera, partition, len(want) + LOOK)
        if flash[:len(want)] == want:
            return "recipe"
        if flash[:len(old)] == old and flash[len(old):].count(0xff) == len(flash) - len(old):
            return "old"
        if KINDS[self.kinds[board]][partition][0] == "firmware":
            return "boots" if fits(board, flash) else "parked"
        if not mounts(self.work, flash):
            return "none"
        unit = unit0(board, partition)
        whole = len(want) > unit and flash[:COMMIT] == want[:COMMIT] and flash[unit:len(want)] == want[unit:]
        return "whole" if whole and KINDS[self.kinds[board]][partition][0] == "dir" else "wrong"


def fits(board, flash):
    """The bootloader's own question: a stack pointer and a Thumb address that can be."""
    ranges = board_file(board)["firmware_ranges"]
    stack, code = struct.unpack("<II", flash[:8])

    def among(rows, address):
        return any(int(start, 16) <= address <= int(start, 16) + size for start, size in rows)
    return bool(code & 1) and among(ranges["stack"], stack) and among(ranges["code"], code)


def mounts(work, flash):
    """Does the camera's own mount driver find an image there?"""
    path = os.path.join(work, "flash")
    with open(path, "wb") as f:
        f.write(flash)
    done = subprocess.run([CTL, "romfs", "check", "--json", path], capture_output=True, text=True)
    return json.loads(done.stdout)["mount"] == "ok"


__all__ = ["BOARDS", "BUILD", "DONE", "Fixture", "HUB", "KINDS", "Kitchen", "ORDER", "RESTING", "unit0", "until"]
