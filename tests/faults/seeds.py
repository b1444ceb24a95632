#!/usr/bin/env python3
"""Random faults by seed: seeds.py [FIRST [COUNT]]; without numbers those that are always played.

A seed makes a fixture of eight cameras, of eight boards, each with the fault that `virtual-line --seed` draws for it
and often one more from the table; their recipes, what their flash holds before, and how the station compares and
retries follow from the seed too.  In every third seed all of them have debug probes, and one to three stand in nests where
the station programs them over SWD.  Whatever happens: no PASS is false, every slot comes to rest, every attempt has its
one end, cameras that nothing happened to pass, nothing stays open and nobody runs behind cameras that are gone, and the
journal is whole.  A seed that failed is printed; `seeds.py SEED 1` plays it again."""
import concurrent.futures
import os
import random
import sys
import time
import traceback

from fixture import BOARDS, DONE, HUB, KINDS, Fixture, Kitchen, noise, until
from table_file import read_table

AT_A_TIME = int(os.environ.get("AT_A_TIME", "4"))
REST_S = 240  # the longest that eight cameras may take, whatever their faults
QUIET_S = 4   # nothing is on its way any more: longer than the station waits for one that left to come back
# A camera that comes back by itself after each trouble is tried for ever unless that is bounded; more than the usual
# three, since the batch of a board that is there twice must not be held over it.
HOLD_AFTER = 5
ALWAYS = range(1, 26)


def kinds_of(board):
    return ["cores", "mram", "mram-plain"] if board == "openmv-ae3" else ["app", "plain", "small", "firmware"]


def board_list(seed):
    """The boards in turn, begun at another one for each seed; OpenMV's alone where there are nests."""
    boards = [b for b in BOARDS if not nests_of(seed) or not b.startswith("arduino-")]
    return ",".join(boards[(seed + i) % len(boards)] for i in range(HUB))


def prefill(rig, camera, dice):
    """What its flash holds before: as from the factory, an older application, the recipe, or parts of it."""
    board = rig.board_of(camera)
    for partition, want in rig.want[board].items():
        what = dice.choice(["factory", "old", "equal", "cut short", "one bit", "noise"])
        with open(rig.kitchen.old(board, partition, rig.kinds[board]), "rb") as f:
            old = f.read()
        flash = bytearray(want)
        if what == "old":
            flash = old
        elif what == "cut short":
            flash[dice.randrange(len(flash)):] = b""
        elif what == "one bit":
            flash[dice.randrange(len(flash))] ^= 1 << dice.randrange(8)
        elif what == "noise":
            flash = noise(len(want), dice.random())
        if what != "factory":
            path = os.path.join(rig.work, "prefill")
            with open(path, "wb") as f:
                f.write(flash)
            rig.control(f"load {camera} {partition} {path}")


def specs_of(rig, dice, tables):
    """One fault per camera, drawn by the line itself; for every second camera another one from the table."""
    specs = [f["spec"] for f in rig.control("state")["faults"]]
    for camera in range(1, rig.cameras + 1):
        if dice.random() < 0.5:
            specs += [f"camera={camera} {one}" for one in dice.choice(tables[camera in rig.nests]).split(" + ")]
    return specs


def nests_of(seed):
    """Which cameras stand in nests; by dice of their own, so that seeds without nests are what they were before there were any."""
    dice = random.Random(f"nests of {seed}")
    return set(dice.sample(range(1, HUB + 1), dice.randint(1, 3))) if seed % 3 == 0 else set()


def faults_of_table():
    """Of cameras on USB, and of those in nests: what one camera can have by itself."""
    rows = [row for row in read_table() if "{" not in row["fault"] and "at=openocd" not in row["fault"] and "at=agent" not in row["fault"]]
    return [[row["fault"] for row in rows if row["recipe"].startswith("swd") == nest] for nest in (False, True)]


class Campaign:
    """One seed."""

    def __init__(self, kitchen, seed, tables):
        self.kitchen, self.seed, self.dice, self.tables = kitchen, seed, random.Random(seed), tables

    def fixture(self):
        dice = self.dice
        chosen = {board: dice.choice(kinds_of(board)) for board in BOARDS}
        program = f"delta = {dice.choice(['auto', 'yes', 'no'])}\nretries = {dice.choice([0, 1, 1, 2])}"
        return Fixture(self.kitchen, board_list(self.seed), HUB, chosen.get, program,
                       ["--seed", str(self.seed)], hold_after=HOLD_AFTER, nests=nests_of(self.seed))

    def run(self):
        with self.fixture() as rig:
            self.rig = rig
            specs = specs_of(rig, self.dice, self.tables)
            rig.control("clear")
            rig.empty_nests()
            self.pid = rig.station_pid()
            for camera in range(1, HUB + 1):
                prefill(rig, camera, self.dice)
            self.threads = self.resting_threads()  # loading has taken a while: slots that begin have begun
            self.since = rig.last_attempt()
            for spec in specs:
                rig.control(f"fault {spec}")
            rig.power(range(1, HUB + 1))
            self.wait()
            return self.judge()

    def wait(self):
        """Until all are at rest: who has no fault has an attempt, and nothing has moved for a while."""
        self.last, self.quiet_since = None, time.monotonic()

        def quiet():
            slots, cameras = self.rig.slots(), self.rig.control("state")["cameras"]
            now = (self.rig.last_attempt(), [(s["slot"], s["state"]) for s in slots],
                   [(c["mode"], c["devnum"]) for c in cameras])
            if now != self.last:
                self.last, self.quiet_since = now, time.monotonic()
            ended = {s["path"] for s in slots if s["attempt"] and int(s["attempt"]) > self.since}
            open_ends = [c for c in cameras if not c["fired"] and c["path"] not in ended]
            busy = [s for s in slots if s["state"] not in DONE]
            return not busy and not open_ends and time.monotonic() - self.quiet_since > QUIET_S
        until(quiet, "all slots at rest", REST_S, 0.1)

    def judge(self):
        rig, wrong = self.rig, []
        cameras = rig.control("state")["cameras"]
        fired = {f["spec"] for f in rig.control("state")["faults"] if f["fired"]}
        rows = rig.rows(self.since)
        for slot in rig.slots():
            if slot["state"] == "unrecorded":
                wrong.append(f"slot {slot['slot']} is unrecorded")
        for camera in cameras:
            wrong += [f"camera {camera['camera']} ({camera['board']}): {w}" for w in self.judge_camera(camera, rows, fired)]
        wrong += [f"left behind: {what}" for what in rig.left_behind().values()]
        wrong += self.judge_leaks()
        if wrong:
            raise AssertionError("\n".join(wrong + sorted(f"fired: {spec}" for spec in fired)))
        said = [f"{c['camera']}{'n' if c['camera'] in rig.nests else ''}:{self.last_of(c, rows)}{'*' if c['fired'] else ''}"
                for c in cameras]
        return len(fired), " ".join(said)

    def attempts(self, camera, rows):
        return rows.get(self.rig.home[camera["camera"]], [])

    def last_of(self, camera, rows):
        mine = self.attempts(camera, rows)
        return mine[-1].get("code") if mine else "-"

    def judge_camera(self, camera, rows, fired):
        number, mine = camera["camera"], self.attempts(camera, rows)
        copied = any(f"do=uid-of:{number}" == spec.split()[-1] for spec in fired)
        for attempt in mine:
            if attempt["ends"] != 1:
                yield f"attempt {attempt['id']} ended {attempt['ends']} times"
        if not camera["fired"] and not copied:
            if [(a.get("verdict"), a.get("code")) for a in mine] != [("PASS", "ok")]:
                yield f"nothing happened to it, and its attempts are {[a.get('code') for a in mine]}"
        if not any("uid-of" in spec for spec in fired):
            own = {a["uid"] for a in mine} - {camera["uid"], None}
            if own:
                yield f"an attempt in the name of {own}"
        if mine and mine[-1].get("verdict") == "PASS":
            for partition, want in self.rig.want[camera["board"]].items():
                if self.rig.peek(number, partition, len(want)) != want:
                    yield f"FALSE PASS: {partition} does not hold the recipe"

    def counts(self):
        """Open files and threads, without those that come with a slot."""
        slots = len(self.rig.slots())
        threads = len(os.listdir(f"/proc/{self.pid}/task"))
        names = []
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                names.append(os.readlink(f"/proc/{self.pid}/fd/{fd}"))
            except OSError:
                pass
        return threads - slots, sorted(names)

    def resting_threads(self):
        """How many there are without those of the slots: the least of a few looks, since one that has just ended is seen
        for a moment."""
        return min(self.counts()[0] for _ in range(5))

    def judge_leaks(self):
        """With every camera gone no device, spool file or thread is left over: the threads are those of the start, and
        one for each slot that has come since."""
        for camera in range(1, HUB + 1):
            self.rig.control(f"unplug {camera}")

        def left():
            threads, names = self.counts()
            more = [f"{threads} threads beside the slots', {self.threads} at the start"] if threads != self.threads else []
            return more + [n for n in names if n.startswith("/dev/bus/usb/") or "spool" in n or "pipe:" in n]
        try:
            until(lambda: not left(), "nothing is left behind cameras that are gone")
        except AssertionError as error:
            return [f"{error}: {left()}"]
        return []


def play(kitchen, seed, tables):
    started = time.monotonic()
    try:
        fired, said = Campaign(kitchen, seed, tables).run()
        return seed, True, f"{fired} fired, {time.monotonic() - started:.0f} s: {said}"
    except Exception:  # a failed seed must not end the others
        return seed, False, traceback.format_exc()


def main():
    seeds = ALWAYS
    if len(sys.argv) > 1:
        first, count = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
        seeds = range(first, first + count)
    tables = faults_of_table()
    kitchen, bad = Kitchen(), 0
    for board in BOARDS:  # before the threads: each of them only reads
        for kind in kinds_of(board):
            kitchen.recipe(board, kind)
            for partition in KINDS[kind]:
                kitchen.old(board, partition, kind)
    print(f"1..{len(seeds)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        jobs = [pool.submit(play, kitchen, seed, tables) for seed in seeds]
        for number, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            seed, good, text = job.result()
            bad += not good
            for line in text.splitlines() if not good else ():
                print(f"# {line}")
            print(f"{'ok' if good else 'not ok'} {number} - seed {seed}"
                  f"{': ' + text if good else '; again with: tests/faults/seeds.py ' + str(seed) + ' 1'}", flush=True)
    kitchen.close()
    sys.exit(bool(bad))


main()
