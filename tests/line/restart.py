#!/usr/bin/env python3
"""Ends and beginnings: the daemon is killed, stopped, started again, and told by people what to do, in every state that
a camera's journey has.  No row is lost or doubled, nothing is green that is not on disk, and the next attempt starts
from what the journal says."""
import contextlib
import json
import os
import resource
import signal
import time

from harness import AWAY_MS, RESTING, Refused, Rig, Tests, equal, payload, until

test = Tests()
FILES = {"main.py": b"print('hello')\n" * 40, "data.bin": bytes(range(256)) * 1600}  # several units


def station(**options):
    options.setdefault("speed", "4")  # slow enough to be met in each state
    options["options"] = ["--windows", "0.5", *options.get("options", ())]
    return Rig(start=False, **options)


def ready(rig, mode="run", **recipe):
    recipe.setdefault("files", FILES)
    path, sha, batch = rig.prepare(**recipe)
    rig.start(mode=mode)
    until(lambda: len(rig.slots()) == rig.cameras, "all cameras are there")
    return path, sha, batch


def kill(rig):
    os.unlink(f"{rig.state}/http.address")
    os.kill(rig.station_pid(), signal.SIGKILL)
    until(lambda: os.path.exists(f"{rig.state}/http.address"), "the station is back")
    rig.find_url()


def whole(rig):
    """Every attempt has one start and one end, or is a refusal; row numbers have no gap."""
    with rig.database() as db:
        rows = db.execute("SELECT seq, kind, body FROM journal ORDER BY seq").fetchall()
    equal([r[0] for r in rows], list(range(1, len(rows) + 1)), "row numbers")
    started = [seq for seq, kind, _ in rows if kind == "attempt-started"]
    ended = sorted(int(json.loads(body)["attempt"]) for _, kind, body in rows if kind == "attempt-ended")
    return started, ended


# Silence keeps a camera in the state that it is in until the daemon is killed: a row per state.
HELD = [
    ("plugged", "at=upload nth=1 times=1000 do=silent"),
    ("identified", "at=set-interface partition=ROMFS0 times=1000 do=silent"),
    ("admitted", "at=upload partition=ROMFS0 block=0 times=1000 do=silent"),
    ("compared", "at=dnload partition=ROMFS0 times=1000 do=silent"),
    ("compared", "at=getstatus partition=ROMFS0 nth=20 times=1000 do=silent"),
    ("written", "at=upload partition=ROMFS0 block=9 times=1000 do=silent"),
    ("restarted", "at=return do=no-return"),
]


def proved_on_disk(rig, slot):
    with contextlib.closing(rig.database()) as db:
        return list(db.execute("SELECT 1 FROM attempt_steps s JOIN attempts a ON a.id = s.attempt "
                               "WHERE a.slot = ? AND s.step = 'proved'", (slot,)))


@test
def killed_in_every_state():
    """kill -9 in every state: station-stopped, waits for a person, then passes; a touched unit is not compared"""
    with station(cameras=len(HELD), options=["--respawn"], return_ms=AWAY_MS) as rig:
        path, _, batch = ready(rig)
        want = payload(path)
        for camera, (_, fault) in enumerate(HELD, 1):
            rig.control(f"fault camera={camera} {fault}")
        for camera in range(1, len(HELD) + 1):
            rig.control(f"power-cycle {camera} hold")
        for camera, (state, _) in enumerate(HELD, 1):
            rig.wait_slot(camera, {state})
        before = {s["slot"]: s for s in rig.slots()}
        until(lambda: proved_on_disk(rig, len(HELD)), "what was proved is on disk")
        started, ended = whole(rig)
        equal(ended, [], "attempts that ended")
        kill(rig)
        rig.control("clear")
        with rig.database() as db:
            touched = {slot for slot, in db.execute("SELECT slot FROM attempts WHERE writing_at IS NOT NULL")}
        equal(touched, {4, 5, 6, 7}, "units that were touched")
        equal(whole(rig), (started, started), "each has one end")
        for camera, (state, _) in enumerate(HELD, 1):
            slot = rig.slots()[camera - 1]
            if camera < 3:  # no row of it was on disk: nothing had begun, so it starts as if plugged in now
                slot = rig.wait_slot(camera, RESTING)
                equal((slot["state"], slot["code"]), ("passed", "ok"), f"{state}: {slot['message']}")
                continue
            equal((slot["state"], slot["code"]), ("error", "station-stopped"), state)
            equal((slot["attempt"], slot["uid"]), (before[camera]["attempt"], before[camera]["uid"]), state)
            attempt = rig.rest(f"/attempts/{slot['attempt']}")
            equal((attempt["verdict"], attempt["code"], attempt["refused"]), ("ERROR", "station-stopped", False), state)
            if state == "restarted":  # its flash is good, but nobody has seen it come back
                rig.control(f"power-cycle {camera} hold")
            else:
                rig.rest(f"/slots/{camera}/retry", method="POST")
            slot = rig.wait_slot(camera, {"passed", "failed", "refused", "unrecorded"})
            equal((slot["state"], slot["code"]), ("passed", "ok"), f"{state}: {slot['message']}")
            steps = {s["step"]: s for s in rig.rest(f"/attempts/{slot['attempt']}")["steps"]}
            # what was proved before the kill is known to be whole; what was cut is not worth a look
            equal(steps["compared"]["bytes"] == 0, camera in {4, 5, 6}, f"{state}: compared {steps['compared']}")
        for camera in range(1, len(HELD) + 1):
            equal(rig.dump(camera, "ROMFS0")[:len(want)], want, f"flash of {camera}")
        equal(rig.rest(f"/batches/{batch}")["passed"], len(HELD))
        rig.verify()


@test
def killed_at_random():
    """kill -9 again and again under load: rows without gap, one end for each attempt, no PASS without its flash"""
    with station(cameras=4, options=["--respawn"], program="already_passed = allow", speed="10") as rig:
        path, _, _ = ready(rig)
        want = payload(path)
        for round_ in range(6):
            for camera in range(1, 5):
                rig.control(f"power-cycle {camera} hold")
            time.sleep(0.15 + 0.11 * round_)  # anywhere in the journey; which place does not matter
            kill(rig)
            rig.verify()
        for camera in range(1, 5):
            rig.control(f"power-cycle {camera} hold")
        until(lambda: all(s["state"] == "passed" for s in rig.slots()), "all pass in the end")
        for camera in range(1, 5):
            equal(rig.dump(camera, "ROMFS0")[:len(want)], want, f"flash of {camera}")
        started, ended = whole(rig)
        equal(started, ended, "each attempt has one end")


@test
def drained():
    """SIGTERM: running attempts finish with their own verdicts, nothing new starts, exit 0, signed checkpoint"""
    with station(cameras=3, speed="1") as rig:
        ready(rig)
        for camera in (1, 2):
            rig.control(f"power-cycle {camera} hold")
        for camera in (1, 2):
            rig.wait_slot(camera, {"compared"})
        os.kill(rig.station_pid(), signal.SIGTERM)
        until(lambda: b"stopping" in open(f"{rig.work}/log", "rb").read(), "it stops")
        rig.control("power-cycle 3 hold")
        equal(rig.process.wait(timeout=60), 0, "exit status")
        started, ended = whole(rig)
        equal((len(started), started), (2, ended))
        with rig.database() as db:
            equal(db.execute("SELECT verdict, count(*) FROM attempts GROUP BY 1").fetchall(), [("PASS", 2)])
            equal(db.execute("SELECT kind FROM journal ORDER BY seq DESC LIMIT 1").fetchone()[0], "station-stopped")
        rig.verify()


@test
def aborted_by_second_signal():
    """a second SIGTERM: running attempts end as ABORTED on disk, exit 0"""
    with station(cameras=2, speed="1") as rig:
        ready(rig)
        for camera in (1, 2):
            rig.control(f"power-cycle {camera} hold")
        for camera in (1, 2):
            rig.wait_slot(camera, {"compared"})
        pid = rig.station_pid()
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGTERM)
        until(lambda: b"running attempts are aborted" in open(f"{rig.work}/log", "rb").read() or
              rig.process.poll() is not None or os.kill(pid, signal.SIGTERM), "the second signal arrives")
        equal(rig.process.wait(timeout=60), 0, "exit status")
        started, ended = whole(rig)
        equal((len(started), started), (2, ended))
        with rig.database() as db:
            equal(db.execute("SELECT verdict, code, count(*) FROM attempts GROUP BY 1, 2").fetchall(),
                  [("ABORTED", "aborted", 2)])
        rig.verify()


def refused(rig, path, code, status=409):
    try:
        rig.rest(path, method="POST")
    except Refused as error:
        equal((error.status, error.code), (status, code), path)
    else:
        raise AssertionError(f"{path} was taken")


@test
def aborted_in_every_state():
    """abort through REST in every state up to the restart: ABORTED on disk; a retry passes while the camera is latched"""
    with station(cameras=len(HELD), return_ms=AWAY_MS) as rig:
        ready(rig)
        for camera, (_, fault) in enumerate(HELD, 1):
            rig.control(f"fault camera={camera} {fault}")
        for camera in range(1, len(HELD) + 1):
            rig.control(f"power-cycle {camera} hold")
        for camera, (state, _) in enumerate(HELD, 1):
            rig.wait_slot(camera, {state})
            refused(rig, f"/slots/{camera}/retry", "conflict")
            rig.rest(f"/slots/{camera}/abort", method="POST")
        for camera, (state, _) in enumerate(HELD, 1):
            slot = rig.wait_slot(camera, RESTING)
            equal((slot["state"], slot["verdict"], slot["code"]), ("aborted", "ABORTED", "aborted"), state)
            attempt = rig.rest(f"/attempts/{slot['attempt']}")
            equal((attempt["verdict"], attempt["code"], attempt["refused"]), ("ABORTED", "aborted", False), state)
            refused(rig, f"/slots/{camera}/abort", "conflict")
        rig.control("clear")
        for camera, (state, _) in enumerate(HELD, 1):
            if state == "restarted":
                refused(rig, f"/slots/{camera}/retry", "replug-needed")
                continue
            rig.rest(f"/slots/{camera}/retry", method="POST")
            slot = rig.wait_slot(camera, {"passed", "failed", "error", "unrecorded"})
            equal((slot["state"], slot["code"]), ("passed", "ok"), f"{state}: {slot['message']}")
        refused(rig, "/slots/1/retry", "replug-needed")  # it has passed and runs
        refused(rig, "/slots/99/retry", "not-found", 404)


@test
def closed_while_running():
    """a batch closed while its cameras run: they finish and count; the next camera finds no batch"""
    with station(cameras=2, speed="1") as rig:
        _, _, batch = ready(rig)
        rig.control("power-cycle 1 hold")
        rig.wait_slot(1, {"compared"})
        rig.rest(f"/batches/{batch}/close", method="POST")
        refused(rig, f"/batches/{batch}/close", "conflict")
        rig.control("power-cycle 2 hold")
        equal(rig.wait_slot(2, RESTING)["code"], "no-batch")
        slot = rig.wait_slot(1, RESTING)
        equal((slot["state"], slot["batch"]), ("passed", batch))
        view = rig.rest(f"/batches/{batch}")
        equal((view["state"], view["passed"]), ("closed", 1))


@test
def counts_survive():
    """an open batch keeps its counts over a restart, and its quantity holds"""
    with station(cameras=3, speed="50") as rig:
        _, _, batch = ready(rig, quantity=2)
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, RESTING)["state"], "passed")
        rig.rest(f"/batches/{batch}/hold", method="POST")
        equal(rig.stop(), 0)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 3, "all cameras are there")
        view = rig.rest(f"/batches/{batch}")
        equal((view["state"], view["passed"], view["quantity"]), ("held", 1, 2))
        rig.control("power-cycle 2 hold")
        equal(rig.wait_slot(2, RESTING)["code"], "batch-held")
        rig.rest(f"/batches/{batch}/resume", method="POST")
        rig.control("power-cycle 2 hold")
        equal(rig.wait_slot(2, {"passed", "failed", "error"})["state"], "passed")
        rig.control("power-cycle 3 hold")
        equal(rig.wait_slot(3, RESTING)["code"], "batch-complete")


@test
def held_after_equal_codes():
    """three equal codes in a row disable the slot; across slots they hold the batch; a person clears both"""
    with station(cameras=3, speed="50", program="retries = 0") as rig:
        _, _, batch = ready(rig)
        rig.control("fault camera=* at=dnload partition=ROMFS0 times=1000 do=stall")
        for _ in range(3):
            old = rig.slots()[0]["attempt"]
            rig.control("power-cycle 1 hold")
            slot = rig.wait_slot(1, {"error"}, after=old)
            equal(slot["code"], "usb-protocol", slot["message"])
        until(lambda: not rig.slots()[0]["enabled"], "the slot is disabled")
        equal(rig.rest(f"/batches/{batch}")["state"], "open", "one slot alone holds no batch")
        rig.control("power-cycle 2 hold")
        equal(rig.wait_slot(2, RESTING)["code"], "usb-protocol")
        until(lambda: rig.rest(f"/batches/{batch}")["state"] == "held", "the batch is held")
        rig.control("clear")
        rig.control("power-cycle 3 hold")
        equal(rig.wait_slot(3, {"refused"})["code"], "too-many-equal")
        equal(rig.stop(), 0)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 3, "all cameras are there")
        equal((rig.slots()[0]["enabled"], rig.rest(f"/batches/{batch}")["state"]), (False, "held"))
        rig.rest(f"/batches/{batch}/resume", method="POST")
        rig.rest("/slots/1/enable", method="POST")
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, RESTING)["state"], "passed")


@test
def equal_codes_survive_a_restart():
    """two equal codes, a restart and one more disable the slot; another restart and another slot hold the batch"""
    with station(cameras=2, speed="50", program="retries = 0") as rig:
        def fails(number):
            rig.control(f"fault camera={number} at=dnload partition=ROMFS0 times=1000 do=stall")
            old = next((s["attempt"] for s in rig.slots() if s["slot"] == number), None)
            rig.control(f"power-cycle {number} hold")
            rig.wait_slot(number, {"error"}, after=old)

        def again():
            equal(rig.stop(), 0)
            rig.start(mode="run")
            until(lambda: len(rig.slots()) == 2, "all cameras are there")
        _, _, batch = ready(rig)
        fails(1)
        fails(1)
        again()
        equal(rig.slots()[0]["enabled"], True, "two are not three")
        fails(1)
        until(lambda: not rig.slots()[0]["enabled"], "the slot is disabled")
        again()
        equal((rig.slots()[0]["enabled"], rig.rest(f"/batches/{batch}")["state"]), (False, "open"))
        fails(2)
        until(lambda: rig.rest(f"/batches/{batch}")["state"] == "held", "the batch is held")
        equal(rig.slots()[1]["enabled"], True)


@test
def a_long_row_holds_at_once():
    """three equal codes in the journal and no hold, as a power cut or other settings leave them: disabled at start"""
    with station(speed="50", program="retries = 0\nhold_after = 0") as rig:
        ready(rig)
        rig.control("fault camera=1 at=dnload partition=ROMFS0 times=1000 do=stall")
        for _ in range(3):
            old = rig.slots()[0]["attempt"]
            rig.control("power-cycle 1 hold")
            rig.wait_slot(1, {"error"}, after=old)
        equal(rig.slots()[0]["enabled"], True)
        equal(rig.stop(), 0)
        with open(rig.config) as f:
            text = f.read()
        with open(rig.config, "w") as f:
            f.write(text.replace("hold_after = 0", "hold_after = 3"))
        rig.start(mode="run")
        equal(rig.slots()[0]["enabled"], False)
        rig.rest("/slots/1/enable", method="POST")
        equal(rig.stop(), 0)
        rig.start(mode="run")
        equal(rig.slots()[0]["enabled"], True, "a person has cleared it")


def let_files_grow(rig, allowed):
    """A disk that takes nothing: every write beyond a file's first byte fails."""
    pid = rig.station_pid()
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if allowed else 1, hard))


@test
def full_disk():
    """a disk that takes nothing: unrecorded, DO NOT SHIP, held and resumed, never green; a restart finds all of it"""
    with station(cameras=4, speed="10", return_ms=AWAY_MS) as rig:
        path, _, batch = ready(rig)
        rig.control("fault camera=1 at=dnload partition=ROMFS0 nth=20 times=1 do=silent")
        rig.control("fault camera=2 at=return do=no-return")
        for camera in (1, 2):
            rig.control(f"power-cycle {camera} hold")
        rig.wait_slot(2, {"restarted"})  # good, and only its PASS is missing
        rig.wait_slot(1, {"compared"})
        let_files_grow(rig, False)
        rig.control("clear")
        rig.control("power-cycle 2 run")
        rig.control("power-cycle 3 hold")
        for number in (1, 2, 3):
            slot = rig.wait_slot(number, RESTING)
            equal((slot["state"], slot["code"]), ("unrecorded", "journal-failed"), f"slot {number}")
            equal("DO NOT SHIP" in slot["action"], True, slot["action"])
        equal(rig.rest("/station")["state"], "held", "the station is held")
        let_files_grow(rig, True)
        rig.control("power-cycle 4 hold")
        slot = rig.wait_slot(4, RESTING)
        equal(slot["state"] in ("refused", "unrecorded"), True, "a held station starts nothing")
        equal(rig.rest(f"/batches/{batch}")["passed"], 0)
        with rig.database() as db:
            equal(db.execute("SELECT count(*) FROM attempts WHERE verdict = 'PASS'").fetchone(), (0,))
        equal(rig.rest("/station/resume", method="POST")["state"] != "held", True, "a person resumes the station")
        equal({rig.slots()[n - 1]["state"] for n in (1, 2, 3)}, {"unrecorded"}, "what is not on disk stays unrecorded")
        rig.control("power-cycle 4 hold")
        equal(rig.wait_slot(4, {"passed", "error", "failed", "unrecorded"})["state"], "passed", "it works again")
        equal(rig.rest(f"/batches/{batch}")["passed"], 1)
        equal(rig.stop(), 0, "exit status")
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 4, "all cameras are there")
        for number in (1, 2):
            rig.wait_slot(number, {"running"})  # its attempt ended when the station was resumed
            newest = rig.rest(f"/units/{rig.camera(number)['uid']}")["attempts"][0]
            equal((newest["verdict"], newest["code"]), ("ERROR", "journal-failed"))
        for camera in (1, 2, 3):
            rig.control(f"power-cycle {camera} hold")
        until(lambda: all(s["state"] == "passed" for s in rig.slots()[:3]), "all pass once they can be recorded")
        started, ended = whole(rig)
        equal(started, ended, "each attempt has one end")


test.main()
