#!/usr/bin/env python3
"""A camera that comes back by itself after every trouble: it ends in a disabled slot, or in pauses that grow, never in an
endless row of attempts."""
import datetime
import re

from harness import Rig, Tests, equal, until

test = Tests()
QUICK = 5  # starts that do not wait; as in station/line/line_state.h


def station(hold_after):
    """One camera without a firmware: whatever happens to it, it is in its bootloader again."""
    rig = Rig("openmv-n6", cameras=1, mode="run", start=False, speed="instant", options=["--windows", "0.1"],
              program=f"hold_after = {hold_after}\nretries = 0")
    rig.prepare(files={"main.py": b"print('hello')\n" * 40})
    return rig


def begin(rig):
    rig.start(mode="boot", options=["--flash", "blank"], faults=["camera=1 at=dnload times=100000 do=early-boot"])


def ended(rig):
    """[(when it started, when it ended)] of the attempts that came to usb-gone, in seconds."""
    with rig.database() as db:
        rows = db.execute("SELECT started_at, ended_at FROM attempts WHERE code = 'usb-gone' ORDER BY id").fetchall()
    return [tuple(datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp() for t in row) for row in rows]


@test
def held():
    """hold_after = 3: the slot is disabled after three equal troubles, and nothing more is written"""
    with station(3) as rig:
        begin(rig)
        until(lambda: rig.slots() and not rig.slots()[0]["enabled"], "the slot is disabled")
        until(lambda: rig.camera(1)["mode"] in ("boot", "hold"), "the camera is back")
        with rig.database() as db:
            before = db.execute("SELECT count(*) FROM journal").fetchone()
        devnum = rig.camera(1)["devnum"]
        rig.control("power-cycle 1 boot")
        until(lambda: rig.camera(1)["devnum"] not in (0, devnum), "it was plugged in again")
        with rig.database() as db:
            equal(db.execute("SELECT count(*) FROM journal").fetchone(), before, "rows")
        equal(len(ended(rig)), 3, "attempts")


def waits(rig):
    """The pauses that the station says it makes, in seconds."""
    with open(f"{rig.work}/log", errors="replace") as f:
        return [int(n) for n in re.findall(r"came back by itself \d+ times in a row; the next try waits (\d+) s", f.read())]


@test
def paused():
    """hold_after = 0: from the sixth attempt on it waits, up to 4 s; a person does not wait"""
    with station(0) as rig:
        begin(rig)
        # a machine that stands still for seconds makes a camera look as if somebody had plugged it in: it counts anew
        rows = until(lambda: waits(rig)[-4:-1] == [1, 2, 4] and ended(rig), "pauses that grow")
        gaps = sorted((after[0] - before[1] for before, after in zip(rows, rows[1:])), reverse=True)
        said = sorted(waits(rig), reverse=True)[:len(gaps)]
        equal(len(gaps) >= QUICK - 1 + 3, True, f"attempts before the pauses: {gaps}")
        for gap, pause in zip(gaps, said[1:]):  # the newest pause may not have ended
            equal(gap > 0.95 * pause, True, f"a pause of {pause} s among {gaps}")
        until(lambda: rig.slots()[0]["state"] == "error" and rig.camera(1)["mode"] in ("boot", "hold"), "it waits again")
        count = len(ended(rig))
        equal(rig.rest("/slots/1/disable", method="POST")["enabled"], False, "disabled")
        rig.rest("/slots/1/enable", method="POST")
        until(lambda: len(ended(rig)) >= count + QUICK, "a person starts it anew")


test.main()
