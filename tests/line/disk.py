#!/usr/bin/env python3
"""Disks in trouble under a running station: syncs and writes that fail, a file system that is really full, read-only or
not ours, and databases that were damaged, swapped or taken away.  Nothing is green that is not on disk, a start says
what it found and destroys nothing, and when the disk is well again all goes on."""
import contextlib
import errno
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request

from auditor import INTACT, audit
from harness import AWAY_MS, BUILD, RESTING, STATION_BUILD, Refused, Rig, Tests, equal, until
from shim import Trouble

test = Tests()
FILES = {"main.py": b"print('hello')\n" * 40, "data.bin": bytes(range(256)) * 40}
NOBODY = 65534


def own_mounts():
    """Starts over where mounts are ours alone."""
    if os.environ.get("OWN_MOUNTS"):
        return
    os.environ["OWN_MOUNTS"] = "1"
    user = [] if os.getuid() == 0 else ["-U", "-r"]
    os.execvp("unshare", ["unshare", *user, "-m", "--propagation", "private", sys.executable, *sys.argv])


def rows(rig):
    with contextlib.closing(rig.database()) as db:
        return db.execute("SELECT seq, kind, body FROM journal ORDER BY seq").fetchall()


def intact(rig):
    verdict = audit(f"{rig.state}/journal.db", f"{rig.work}/checkpoints", f"{rig.state}/station.key.pub")
    equal(verdict[0], INTACT, f"the auditor says {verdict}")


def ready(rig):
    """(status, problem) of /readyz, which is beside the API."""
    try:
        with urllib.request.urlopen(f"{rig.url}/readyz", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def refused(rig, path, body=None):
    try:
        rig.rest(path, body, "POST")
    except Refused as error:
        return error
    raise AssertionError(f"{path} was taken")


def plug(rig, camera):
    """Plugs it in anew and waits for what comes of it."""
    old = {s["slot"]: s["since"] for s in rig.slots()}
    rig.control(f"power-cycle {camera} hold")

    def there():
        slot = next((s for s in rig.slots() if s["slot"] == camera), None)
        return slot if slot and slot["since"] != old.get(camera) and slot["state"] in RESTING else None
    return until(there, f"camera {camera} rests")


def catch_behind_restart(rig, cameras):
    """They are written and proved, and away until come_back: only their PASS is missing."""
    for camera in cameras:
        rig.control(f"fault camera={camera} at=return do=no-return")
        rig.control(f"power-cycle {camera} hold")
    for camera in cameras:
        rig.wait_slot(camera, {"restarted"})


def come_back(rig, cameras):
    rig.control("clear")
    for camera in cameras:
        rig.control(f"power-cycle {camera} run")


def passed_on_disk(rig, attempt):
    with contextlib.closing(rig.database()) as db:
        return db.execute("SELECT verdict FROM attempts WHERE id = ?", (int(attempt),)).fetchone() == ("PASS",)


def held(rig):
    """What an operator and a supervisor see of a station whose journal takes nothing."""
    view = until(lambda: (lambda v: v if v["state"] == "held" else None)(rig.rest("/station")), "the station is held")
    equal(view["code"], "journal-failed")
    equal(bool(view["message"]) and "DO NOT SHIP" in view["action"], True, view)
    status, problem = ready(rig)
    equal((status, problem["code"]), (503, "journal-failed"))


def one_end_each(rig):
    started = [seq for seq, kind, _ in rows(rig) if kind == "attempt-started"]
    ended = sorted(int(json.loads(body)["attempt"]) for _, kind, body in rows(rig) if kind == "attempt-ended")
    equal(started, ended, "each attempt has one end")


TROUBLES = [
    ("a sync that fails", [("sync", errno.EIO, "journal.db")]),
    ("a sync of the log alone that fails", [("sync", errno.EIO, "journal.db-wal")]),
    ("a full disk", [("write", errno.ENOSPC, "/state/")]),
    ("a quota", [("write", errno.EDQUOT, "/state/")]),
    ("a file system that went read-only", [("write", errno.EROFS, "/state/"), ("open", errno.EROFS, "/state/")]),
]


def in_trouble(rig, trouble, name, orders):
    """Cameras 1 and 2 are caught behind their restart, camera 3 comes when it is too late."""
    catch_behind_restart(rig, (1, 2))
    trouble.set(*orders)
    come_back(rig, (1, 2))
    slots = [rig.wait_slot(camera, RESTING) for camera in (1, 2)] + [plug(rig, 3)]
    for slot in slots:
        equal((slot["state"], slot["code"]), ("unrecorded", "journal-failed"), f"{name}: {slot}")
        equal("DO NOT SHIP" in slot["action"], True, slot["action"])
    held(rig)
    for path, body in (("/station/resume", None), ("/slots/1/disable", None)):
        equal(refused(rig, path, body).code, "journal-failed", f"{name}: {path}")
    held(rig)
    trouble.set()
    equal(plug(rig, 3)["code"], "station-held", f"{name}: a held station starts nothing")
    lost = [slot["attempt"] for slot in slots[:2]]
    rig.rest("/station/resume", method="POST")
    equal(ready(rig)[0], 200)
    for attempt in lost:  # the disk takes rows again, and each attempt has its end
        view = rig.rest(f"/attempts/{attempt}")
        equal((view["verdict"], view["code"]), ("ERROR", "journal-failed"), name)
    one_end_each(rig)
    for camera in (1, 2, 3):
        slot = plug(rig, camera)
        equal((slot["state"], passed_on_disk(rig, slot["attempt"])), ("passed", True), f"{name}: {slot}")
    intact(rig)


@test
def calls_that_fail():
    """syncs and writes that fail: unrecorded, DO NOT SHIP, held, 503; well again and resumed, all attempts have an end"""
    with Rig(start=False, cameras=3, speed="50", options=["--windows", "0.5"], return_ms=AWAY_MS,
             program="already_passed = allow\nhold_after = 0") as rig:
        trouble = Trouble(rig)
        rig.prepare(files=FILES)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 3, "all cameras are there")
        for name, orders in TROUBLES:
            in_trouble(rig, trouble, name, orders)


@test
def killed_in_trouble():
    """kill -9 while syncs fail: what was said to be lost is whole or absent, and nothing is built on what is not on disk"""
    with Rig(start=False, cameras=2, speed="50", options=["--windows", "0.5", "--respawn"], return_ms=AWAY_MS,
             program="already_passed = allow\nhold_after = 0") as rig:
        trouble = Trouble(rig)
        rig.prepare(files=FILES)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 2, "all cameras are there")
        for number in range(3):
            catch_behind_restart(rig, (1, 2))
            trouble.set(("sync", errno.EIO, "journal.db"))
            come_back(rig, (1, 2))
            slots = [rig.wait_slot(camera, RESTING) for camera in (1, 2)]
            equal([s["state"] for s in slots], ["unrecorded"] * 2, f"round {number}")
            trouble.set()
            os.unlink(f"{rig.state}/http.address")
            os.kill(rig.station_pid(), signal.SIGKILL)
            until(lambda: os.path.exists(f"{rig.state}/http.address"), "the station is back")
            rig.find_url()
            intact(rig)
            one_end_each(rig)
            for slot in slots:
                view = rig.rest(f"/attempts/{slot['attempt']}")
                equal((view["verdict"], view["code"]) in (("PASS", "ok"), ("ERROR", "station-stopped")), True, view)
        for camera in (1, 2):
            equal(plug(rig, camera)["state"], "passed")


@test
def one_lost_step():
    """a single step that the disk did not take: that attempt cannot pass, and the station is held"""
    with Rig(start=False, cameras=1, speed="1", program="already_passed = allow") as rig:
        trouble = Trouble(rig)
        rig.prepare(files={**FILES, "data.bin": bytes(range(256)) * 1600})
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 1, "the camera is there")
        rig.control("power-cycle 1 hold")
        rig.wait_slot(1, {"compared", "written", "read-back", "proved"})
        trouble.set(("write", errno.ENOSPC, "journal.db"))
        rig.wait_slot(1, {"restarted", *RESTING})
        trouble.set()  # well again long before the camera is back
        slot = rig.wait_slot(1, RESTING)
        equal((slot["state"] in ("error", "unrecorded"), slot["code"]), (True, "journal-failed"), slot)
        equal(rig.rest("/station")["state"], "held")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


class Ballast:
    """Fills the state folder's file system to its last byte."""

    def __init__(self, rig):
        self.path = os.path.join(rig.state, "ballast")

    def fill(self):
        with open(self.path, "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while f.write(b"\0" * size) == size:
                        pass

    def drop(self):
        os.unlink(self.path)


@test
def really_full():
    """a file system that is really full, in the middle of the work and at a start: green is on disk; freed, it goes on"""
    own = "size=12m,mode=0700"
    with Rig(start=False, cameras=2, speed="50", options=["--windows", "0.5"],
             program="already_passed = allow\nhold_after = 0\ndelta = no") as rig:
        os.mkdir(rig.state)
        mount("-t", "tmpfs", "-o", own, "tmpfs", rig.state)
        try:
            ballast = Ballast(rig)
            rig.prepare(files=FILES)
            rig.start(mode="run")
            until(lambda: len(rig.slots()) == 2, "all cameras are there")
            green = []
            ballast.fill()
            for _ in range(30):  # the log has some room of its own yet
                slot = plug(rig, 1)
                if slot["state"] != "passed":
                    break
                green.append(slot["attempt"])
            equal(slot["state"] in ("unrecorded", "error"), True, slot)
            equal(slot["code"], "journal-failed")
            held(rig)
            for attempt in green:
                equal(passed_on_disk(rig, attempt), True, attempt)
            equal(rig.stop(), 0, "exit status")
            ballast.fill()
            said = refused_start(rig, virtual=True)
            equal("full" in said or "space" in said.lower(), True, said)
            ballast.drop()
            rig.start(mode="run")
            until(lambda: len(rig.slots()) == 2, "all cameras are there")
            one_end_each(rig)
            for attempt in green:
                equal(passed_on_disk(rig, attempt), True, attempt)
            equal(plug(rig, 2)["state"], "passed")
            equal(rig.stop(), 0, "exit status")
            intact(rig)
            mount("-o", "remount,bind,ro", rig.state)
            said = refused_start(rig, untouched=True)
            equal("read-only" in said.lower() or "readonly" in said.lower(), True, said)
            mount("-o", "remount,bind,rw", rig.state)
            rig.start(mode="run")
            until(lambda: len(rig.slots()) == 2, "all cameras are there")
            equal(plug(rig, 1)["state"], "passed")
            equal(rig.stop(), 0, "exit status")
            rig.verify()
        finally:
            rig.stop()
            subprocess.run(["umount", "-l", rig.state], check=True)


def files_of(folder):
    """Every byte below a folder, but for what any start may touch."""
    out = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if not name.endswith((".lock", "-shm")):
                with open(os.path.join(place, name), "rb") as f:
                    out[os.path.relpath(os.path.join(place, name), folder)] = hashlib.sha256(f.read()).hexdigest()
    return out


def refused_start(rig, user=None, virtual=False, untouched=False, code="journal-failed"):
    """A start that must be refused: one line with its code, a sentence and what to do; exit 1.  Returns the line."""
    before = files_of(rig.state) if untouched else None
    line = [f"{BUILD}/virtual-line", "--cameras", "1", "--board", rig.board, "--listen", "127.0.0.1:0",
            "--"] if virtual else []
    done = subprocess.run([*line, f"{STATION_BUILD}/stationd", "-c", rig.config], capture_output=True, text=True,
                          timeout=120, user=user, group=user, extra_groups=[] if user else None)
    said = [text for text in done.stderr.splitlines() if text.startswith("stationd: ")]
    equal((done.returncode, len(said)), (1, 1), done.stderr)
    _, got, sentence = said[0].split(": ", 2)
    equal(got, code, said[0])
    equal(len(sentence.rsplit("; ", 1)) == 2 and len(sentence) > 40, True, said[0])
    if untouched:
        equal(files_of(rig.state), before, "files after the refusal")
    return said[0]


def damaged(path, change):
    with open(path, "r+b") as f:
        change(f)


def header(f):
    f.write(b"Not a database, but something that lay in its place")


def page(f):
    f.seek(4096 * 3)
    f.write(b"\x5a" * 200)


def one_bit(f):
    """Of a row's body, which SQLite itself does not look at."""
    data = f.read()
    at = data.index(b'"kind":"station-started"') + 10
    f.seek(at)
    f.write(bytes([data[at] ^ 1]))


def half(f):
    f.truncate(os.fstat(f.fileno()).st_size // 2 // 4096 * 4096)


def foreign(path):
    os.unlink(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes(name TEXT)")
        db.commit()


def number(pragma, value):
    def change(path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA {pragma} = {value}")
            db.commit()
    return change


def folder(path):
    os.unlink(path)
    os.mkdir(path)


DAMAGES = [  # name, what is done to journal.db, words of the sentence
    ("garbage in its header", lambda p: damaged(p, header), ("not a database",)),
    ("a page of garbage", lambda p: damaged(p, page), ("damaged", "malformed")),
    ("one bit of a row", lambda p: damaged(p, one_bit), ("was changed",)),
    ("half of it", lambda p: damaged(p, half), ("malformed", "damaged", "missing")),
    ("nothing of it", lambda p: damaged(p, lambda f: f.truncate(0)), ("missing or empty",)),
    ("no file", os.unlink, ("missing or empty",)),
    ("a folder in its place", folder, ("unable to open", "not a regular file", "cannot open")),
    ("another database", foreign, ("no journal",)),
    ("a newer schema", number("user_version", 99), ("newer program",)),
    ("an unknown kind of file", number("application_id", 7), ("no journal",)),
]


@test
def damaged_databases():
    """databases that were damaged, cut, swapped or removed: the start says which, ends with 1 and destroys nothing"""
    with Rig(start=False, speed="50", options=["--windows", "0.5"]) as rig:
        rig.prepare(files=FILES)
        rig.start(mode="run")
        rig.wait_slot(1, {"running"})
        equal(plug(rig, 1)["state"], "passed")
        equal(rig.stop(), 0, "exit status")
        kept = f"{rig.work}/kept"
        shutil.copytree(rig.state, kept)
        for name, change, words in DAMAGES:
            change(f"{rig.state}/journal.db")
            said = refused_start(rig, untouched="folder" not in name and "no file" not in name)
            equal(any(word in said for word in words), True, f"{name}: {said}")
            shutil.rmtree(rig.state)
            shutil.copytree(kept, rig.state)
        rig.start(mode="run")
        rig.wait_slot(1, {"running"})
        equal(rig.rest("/stats")["pass"], 1)


@test
def lost_log():
    """journal.db-wal taken away after a crash: the checkpoints file shows it; put back, every row is there"""
    with Rig(start=False, speed="50", options=["--windows", "0.5"]) as rig:
        rig.prepare(files=FILES)
        rig.start(mode="run")
        rig.wait_slot(1, {"running"})
        slot = plug(rig, 1)
        rig.rest(f"/batches/{slot['batch']}/close", method="POST")  # makes a checkpoint
        until(lambda: b"batch-closed" in b"".join(k.encode() for _, k, _ in rows(rig)[-1:]) and
              str(len(rows(rig))).encode() in open(f"{rig.work}/checkpoints", "rb").read(), "the checkpoint is in the file")
        before = rows(rig)
        os.kill(rig.station_pid(), signal.SIGKILL)
        rig.process.wait(timeout=60)
        rig.process = None
        os.rename(f"{rig.state}/journal.db-wal", f"{rig.work}/wal")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{rig.state}/journal.db-shm")
        said = refused_start(rig, untouched=True)
        equal("missing" in said, True, said)
        for stale in ("journal.db-wal", "journal.db-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{rig.state}/{stale}")
        os.rename(f"{rig.work}/wal", f"{rig.state}/journal.db-wal")
        rig.start(mode="run")
        equal(rows(rig)[:len(before)], before, "rows from before")
        equal(passed_on_disk(rig, slot["attempt"]), True)


@test
def not_ours():
    """a second daemon, a database that may not be written or read: refused; the first one goes on"""
    with Rig(speed="50", options=["--windows", "0.5"], mode="run") as rig:
        rig.wait_slot(1, {"running"})
        said = refused_start(rig)
        equal("another program holds" in said, True, said)
        equal(ready(rig)[0], 200)
        equal(rig.stop(), 0, "exit status")
        if os.getuid() != 0:
            return  # only root can give files away; everybody else has the modes below
        os.chmod(rig.work, 0o755)
        for place, folders, names in os.walk(rig.state):
            for name in [".", *folders, *names]:
                os.chown(os.path.join(place, name), NOBODY, NOBODY)
        for mode in (0o444, 0o000):
            os.chown(f"{rig.state}/journal.db", 0, 0)
            os.chmod(f"{rig.state}/journal.db", mode)
            said = refused_start(rig, user=NOBODY)
            equal("readonly" in said or "unable to open" in said or "may not" in said, True, said)
        for place, folders, names in os.walk(rig.state):
            for name in [".", *folders, *names]:
                os.chown(os.path.join(place, name), 0, 0)
        os.chmod(f"{rig.state}/journal.db", 0o600)


@test
def modes():
    """the state folder is ours alone, recipes are read-only, the key is private"""
    with Rig(start=False) as rig:
        os.mkdir(rig.state, 0o755)
        _, sha, _ = rig.prepare(files=FILES)
        for path, mode in (("", 0o700), ("recipes", 0o700), ("spool", 0o700), ("station.key", 0o600),
                           (f"recipes/{sha}.img", 0o400)):
            equal(oct(os.stat(f"{rig.state}/{path}").st_mode & 0o777), oct(mode), path or "state")


if __name__ == "__main__":
    own_mounts()
    test.main()
