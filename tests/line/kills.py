#!/usr/bin/env python3
"""kill -9 at random instants while eight cameras are plugged and an MES changes batches: kills.py [KILLS [SEED]].

After each kill an auditor's verifier that shares nothing with the station looks at the journal, and everything that the
station had said before (events, lamps, answers to POST) is looked for in it.  Each SEED is a line of its own with a
fresh journal and at most 50 kills; the seed that failed is printed, and a campaign goes on from any seed.  Without
arguments: a few kills, as TAP."""
import collections
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import urllib.error

from auditor import INTACT, Signatures, our_verdict
from harness import RESTING, Refused, Rig, Tests, equal, payload, until

CAMERAS = 8
KILLS_PER_LINE = 50
FEW = 10
RECIPES = ("a", "b")
EMPTY = b"\xd2\xcd\x31\x00"
GONE = (OSError, http.client.HTTPException, urllib.error.URLError, ValueError)


class Listener(threading.Thread):
    """One client of the event stream that lives through every kill: what it was told is a promise."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.stop, self.kinds, self.passed, self.resets = rig, False, collections.OrderedDict(), {}, 0
        self.twice = []

    def frames(self, answer):
        fields = {}
        for line in answer:
            line = line.decode().rstrip("\n")
            if line:
                key, value = line.split(": ", 1)
                fields[key] = value
            else:
                yield fields
                fields = {}

    def take(self, frame):
        data = json.loads(frame["data"]) if "data" in frame else {}
        if frame.get("event") == "reset":
            self.resets += 1
        if frame.get("event") == "slot" and data["state"] == "passed":
            self.passed[data["attempt"]] = data["uid"]
        if "id" in frame and "event" in frame:
            if int(frame["id"]) in self.kinds:
                self.twice.append(frame["id"])
            self.kinds[int(frame["id"])] = frame["event"]
            if frame["event"] == "attempt-ended" and data["verdict"] == "PASS":
                self.passed[data["id"]] = data["uid"]

    def listen(self):
        connection = http.client.HTTPConnection(self.rig.url.split("//")[1], timeout=15)
        with contextlib.closing(connection):
            last = next(reversed(self.kinds)) if self.kinds else 0
            connection.request("GET", "/api/v1/events", headers={"Last-Event-ID": str(last)})
            for frame in self.frames(connection.getresponse()):
                self.take(frame)
                if self.stop:
                    return

    def run(self):
        while not self.stop:
            with contextlib.suppress(*GONE):
                self.listen()
            time.sleep(0.01)


class Mes(threading.Thread):
    """Closes the batch and opens the next one, for ever; repeats each call until it is answered."""

    def __init__(self, rig, shas, batch, seed):
        super().__init__(daemon=True)
        self.rig, self.shas, self.batch, self.dice = rig, shas, batch, random.Random(seed)
        self.stop, self.opened, self.closed, self.number, self.wrong = False, {}, [], 0, []

    def call(self, path, body=None, key=None):
        """The answer, or the code of the refusal; None when there was none."""
        try:
            return self.rig.rest(path, body, "POST", headers={"Idempotency-Key": key} if key else None)
        except Refused as error:
            return error.code
        except GONE:
            return None

    def until_answered(self, *what):
        while not self.stop:
            answer = self.call(*what)
            if answer is not None:
                return answer
            time.sleep(0.01)
        return None

    def turn(self):
        answer = self.until_answered(f"/batches/{self.batch}/close")
        if isinstance(answer, dict):
            self.closed.append(self.batch)
        elif answer is not None and answer != "conflict":  # closed, but the answer was lost
            self.wrong.append(f"close: {answer}")
        self.number += 1
        key = f"order-{self.number}"
        body = {"order": key, "recipe": self.shas[self.number % len(self.shas)], "quantity": 100000}
        answer = self.until_answered("/batches", body, key)
        if isinstance(answer, dict):
            self.batch = self.opened[key] = answer["id"]
        elif answer is not None:
            self.wrong.append(f"open: {answer}")

    def run(self):
        while not self.stop and not self.wrong:
            self.turn()
            time.sleep(self.dice.uniform(0.4, 2.5))


class History:
    """The rows, read in one go, and what they say of attempts."""

    def __init__(self, rig):
        with contextlib.closing(rig.database()) as db:
            db.execute("BEGIN")
            self.rows = [(seq, kind, json.loads(body)) for seq, kind, body in
                         db.execute("SELECT seq, kind, body FROM journal ORDER BY seq")]
            self.table = {row[0]: row[1:] for row in db.execute("SELECT id, uid, verdict, code FROM attempts")}
        self.kinds = {seq: kind for seq, kind, _ in self.rows}
        self.started = {seq: body for seq, kind, body in self.rows if kind == "attempt-started"}
        self.refused = {seq: body for seq, kind, body in self.rows if kind == "attempt-refused"}
        self.ended = collections.defaultdict(list)
        self.steps = collections.defaultdict(list)
        self.writing = {}  # uid: the newest row that says so
        for seq, kind, body in self.rows:
            if kind == "attempt-ended":
                self.ended[int(body["attempt"])].append((seq, body))
            elif kind == "attempt-step":
                self.steps[int(body["attempt"])].append((seq, body["step"]))
            elif kind == "attempt-writing":
                self.writing[self.started[int(body["attempt"])]["uid"]] = seq
        self.runs = [seq for seq, kind, _ in self.rows if kind == "station-started"]

    def green(self):
        """uid: the recipe that its flash must hold, since it passed and nothing was written after that."""
        out = {}
        for attempt, ends in self.ended.items():
            start = self.started[attempt]
            if ends[0][1]["verdict"] == "PASS" and self.writing.get(start["uid"], 0) < ends[0][0]:
                out[start["uid"]] = start["recipe"]
        return out


def one_end_each(h):
    """Each attempt of a run that is over has exactly one end; no camera has two at a time; the tables agree."""
    open_at = {}  # uid: attempt
    for seq, kind, body in h.rows:
        if kind == "attempt-started":
            equal(body["uid"] in open_at, False, f"attempt {seq} beside {open_at.get(body['uid'])}")
            open_at[body["uid"]] = seq
        elif kind == "attempt-ended":
            open_at.pop(h.started[int(body["attempt"])]["uid"])
    for attempt, start in h.started.items():
        ends = h.ended.get(attempt, [])
        equal(len(ends) <= 1 and (len(ends) == 1 or attempt > h.runs[-1]), True, f"attempt {attempt}: {ends}")
        want = (start["uid"], ends[0][1]["verdict"], ends[0][1]["code"]) if ends else (start["uid"], None, None)
        equal(h.table[attempt], want, f"table: attempt {attempt}")
    equal(sorted(h.table), sorted([*h.started, *h.refused]), "attempts in the table")


def stopped_in_its_step(h):
    """What a kill cut is ERROR station-stopped, by the run that came next, and names the last step that was done."""
    count = 0
    for attempt, ends in h.ended.items():
        if ends[0][1]["code"] != "station-stopped":
            continue
        count += 1
        next_run = min(seq for seq in h.runs if seq > attempt)
        equal(ends[0][1]["verdict"], "ERROR")
        equal(ends[0][0] > next_run, True, f"attempt {attempt} was cut before row {next_run}, ended at {ends[0][0]}")
        steps = [step for seq, step in h.steps[attempt] if seq < next_run]
        wanted = f"the step '{steps[-1]}'" if steps else "its first step"
        equal(wanted in ends[0][1]["message"], True, f"attempt {attempt}: {wanted}: {ends[0][1]['message']}")
    return count


class Promises:
    """What the station had said until now; to be taken before the rows are read, since it goes on talking."""

    def __init__(self, listener, mes):
        self.told, self.passed = list(listener.kinds.items()), dict(listener.passed)
        self.opened, self.closed = dict(mes.opened), set(mes.closed)
        self.trouble = (listener.resets, list(listener.twice), list(mes.wrong))


def promises_kept(h, said):
    equal(said.trouble, (0, [], []), "resets, rows told twice, answers to the MES")
    told = said.told
    if told:
        equal([seq for seq, _ in told], list(range(told[0][0], told[0][0] + len(told))), "rows that were told")
    for seq, kind in told:
        equal(h.kinds.get(seq), kind, f"row {seq}, told as {kind}")
    for attempt, uid in said.passed.items():
        equal(h.table.get(int(attempt)), (uid, "PASS", "ok"), f"attempt {attempt} was green")
    keys = [body["key"] for _, kind, body in h.rows if kind == "batch-opened" and body["key"]]
    equal(len(keys), len(set(keys)), "a batch was opened twice")
    opened = {body["key"]: str(seq) for seq, kind, body in h.rows if kind == "batch-opened"}
    closed = {body["batch"] for _, kind, body in h.rows if kind == "batch-closed"}
    for key, batch in said.opened.items():
        equal(opened.get(key), batch, key)
    equal(said.closed - closed, set(), "batches whose closing was answered")


class Line:
    """One seed: a line, its listener and MES, and the dice."""

    def __init__(self, rig, seed):
        self.rig, self.dice, self.kills, self.cut = rig, random.Random(seed), 0, 0
        rig.start(cameras=0)
        files = {name: {"main.py": name.encode() * 500, "data.bin": random.Random(name).randbytes(300000)}
                 for name in RECIPES}
        paths = [rig.recipe(name=name, files=files[name]) for name in RECIPES]
        shas = [rig.upload(path) for path in paths]
        self.want = {sha: payload(path) for sha, path in zip(shas, paths)}
        batch = rig.open_batch(shas[0], 100000)
        equal(rig.stop(), 0)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == CAMERAS, "all cameras are there")
        self.signatures = Signatures(f"{rig.state}/station.key.pub", rig.work)
        self.listener, self.mes = Listener(rig), Mes(rig, shas, batch, seed)
        self.listener.start()
        self.mes.start()

    def replug(self):
        """Cameras at rest are plugged anew, or tried again where they are."""
        with contextlib.suppress(*GONE):
            for slot in self.rig.slots():
                if slot["state"] == "error" and self.dice.random() < 0.3:
                    with contextlib.suppress(Refused):
                        self.rig.rest(f"/slots/{slot['slot']}/retry", method="POST")
                elif slot["state"] in RESTING | {"running"}:
                    self.rig.control(f"power-cycle {slot['slot']} hold")

    def kill(self, again=False):
        address = f"{self.rig.state}/http.address"
        pid = until(lambda: self.pid(), "the station runs", 30)
        if again:
            time.sleep(self.dice.uniform(0, 0.15))  # in the middle of its start
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        until(lambda: self.pid() not in (None, pid), "the station is started again", 30)

    def pid(self):
        try:
            return self.rig.station_pid()
        except AssertionError:
            return None

    def back(self):
        address = f"{self.rig.state}/http.address"
        until(lambda: os.path.exists(address) and os.path.getsize(address), "the station is back", 60)
        self.rig.find_url()

    def flash(self, cameras):
        """Green means green; what is not green is one whole recipe, the factory's empty one, or nothing that mounts."""
        before = History(self.rig).green()
        uids = {c["camera"]: c["uid"] for c in self.rig.control("state")["cameras"]}
        dumps = {camera: self.rig.dump(camera, "ROMFS0") for camera in cameras}
        after = History(self.rig)
        for camera, data in dumps.items():
            uid = uids[camera]
            if uid in before and after.green().get(uid) == before[uid]:
                want = self.want[before[uid]]
                equal(data[:len(want)] == want, True, f"camera {camera} passed, and its flash is something else")
            whole = any(data[:len(want)] == want for want in self.want.values())
            equal(whole or data[:3] != EMPTY[:3] or data[:4] == EMPTY, True, f"camera {camera} mounts half a recipe")

    def examine(self, every=False):
        verdict = our_verdict(f"{self.rig.state}/journal.db", f"{self.rig.work}/checkpoints", self.signatures)
        equal(verdict[0], INTACT, f"the auditor says {verdict}")
        said = Promises(self.listener, self.mes)
        h = History(self.rig)
        one_end_each(h)
        self.cut = stopped_in_its_step(h)
        promises_kept(h, said)
        self.flash(range(1, CAMERAS + 1) if every else self.dice.sample(range(1, CAMERAS + 1), 2))
        return h

    def round(self):
        self.replug()
        time.sleep(self.dice.uniform(0, 1.8))
        self.kill()
        while self.dice.random() < 0.2:
            self.kill(again=True)
        self.back()
        self.examine(every=self.kills % 10 == 0)

    def finish(self):
        """Left alone, every camera passes in the end."""
        def all_green():
            self.replug_red()
            return all(s["state"] == "passed" for s in self.rig.slots())
        self.mes.stop = True
        self.mes.join()
        until(all_green, "all pass in the end")
        h = self.examine(every=True)
        self.listener.stop = True
        return h

    def replug_red(self):
        for slot in self.rig.slots():
            if slot["state"] in (RESTING | {"running", "empty"}) - {"passed"}:
                self.rig.control(f"power-cycle {slot['slot']} hold")
        time.sleep(0.5)


def campaign(seed, kills):
    options = ["--respawn", "--windows", "0.3"]
    with Rig(cameras=CAMERAS, start=False, options=options, speed="20",
             program="already_passed = allow\ndelta = no\nhold_after = 0") as rig:
        line = None
        try:
            line = Line(rig, seed)
            while line.kills < kills:
                line.round()
            h = line.finish()
        except BaseException:
            print(f"# seed {seed}, after {line.kills if line else 0} kills; the state is kept in {rig.work}.kept",
                  flush=True)
            shutil.copytree(rig.work, f"{rig.work}.kept", ignore=shutil.ignore_patterns("control", "dump"))
            raise
        passes = sum(ends[0][1]["verdict"] == "PASS" for ends in h.ended.values())
        return (f"{line.kills} kills, {len(h.rows)} rows, {len(h.runs)} starts, {len(h.started)} attempts, {passes} PASS, "
                f"{line.cut} cut by a kill, {len(line.listener.passed)} seen green, {line.mes.number} batches")


test = Tests()


@test
def few():
    """kill -9 at random instants, eight cameras, an MES: the auditor finds the journal intact, every promise is kept"""
    print(f"# {campaign(1, FEW)}")


def main():
    kills, seed, done = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else 1, 0
    while done < kills:
        started, some = time.monotonic(), min(KILLS_PER_LINE, kills - done)
        try:
            print(f"seed {seed}: {campaign(seed, some)}, {time.monotonic() - started:.0f} s", flush=True)
        except Exception:
            print(f"seed {seed} FAILED; again with: tests/line/kills.py {some} {seed}", flush=True)
            raise
        done += some
        seed += 1
    print(f"{done} kills, none lost or doubled anything", flush=True)


if len(sys.argv) > 1 and sys.argv[1].isdigit():
    main()
else:
    test.main()
