#!/usr/bin/env python3
"""Sixty-four cameras at once, of which some are pulled at instants drawn by seed: the others never notice, and in the
end no unit and no row is missing.  `many.py pulled` with SEED=n draws other instants."""
import os
import random
import time

from harness import RESTING, Rig, Tests, equal, payload, until

test = Tests()
CAMERAS = 64
SEED = int(os.environ.get("SEED") or 1)
PULLED = {("ERROR", "usb-gone"), ("ERROR", "left-early"), ("FAIL", "no-return"), ("PASS", "ok")}


def attempts(rig, since):
    """What ended after that row, by slot: (id, verdict, code, retries), oldest first."""
    with rig.database() as db:
        rows = db.execute("SELECT slot, id, verdict, code, retries FROM attempts WHERE id > ? ORDER BY id", (since,))
        out = {}
        for slot, *rest in rows.fetchall():
            out.setdefault(slot, []).append(tuple(rest))
        return out


def newest(rig):
    with rig.database() as db:
        return db.execute("SELECT max(seq) FROM journal").fetchone()[0]


def pull(rig, victims, dice):
    """Powers all cameras up, pulls the victims each at its own instant, and plugs them in again when the rest is done."""
    since, started = newest(rig), time.monotonic()
    for camera in range(1, CAMERAS + 1):
        rig.control(f"power-cycle {camera} hold")
    for instant, camera in sorted((dice.uniform(0, 2.5), c) for c in victims):
        time.sleep(max(0, started + instant - time.monotonic()))
        rig.control(f"unplug {camera}")
    path = {c["camera"]: c["path"] for c in rig.control("state")["cameras"]}
    slot = {s["path"]: s["slot"] for s in rig.slots()}
    hit = {slot[path[c]] for c in victims}

    def ended():
        done = attempts(rig, since)
        return set(done) | hit >= set(slot.values()) and all(r[1] for rows in done.values() for r in rows) and \
            all(s["state"] in RESTING | {"empty", "running"} for s in rig.slots())
    until(ended, "every attempt has ended")
    for number, rows in attempts(rig, since).items():
        if number in hit:
            equal(rows[0][1:3] in PULLED, True, f"pulled in slot {number}: {rows}")
        else:
            equal([r[1:] for r in rows], [("PASS", "ok", 0)], f"slot {number}, whose camera nobody touched")
    for camera in victims:
        rig.control(f"plug {camera} hold")
    until(lambda: all(s["state"] == "passed" for s in rig.slots()), "all have passed in the end")


@test
def pulled():
    """64 cameras, one and then eight are pulled at random instants: the others pass untouched, and all in the end"""
    dice = random.Random(SEED)
    with Rig(cameras=CAMERAS, mode="run", start=False, speed="instant", options=["--windows", "0.5"], return_ms=15000,
             program="already_passed = allow\ndelta = no\nhold_after = 0") as rig:
        path, _, batch = rig.prepare()
        want = payload(path)
        rig.start()
        until(lambda: len(rig.slots()) == CAMERAS and all(s["state"] == "running" for s in rig.slots()), "all run")
        for count in (1, 8):
            pull(rig, dice.sample(range(1, CAMERAS + 1), count), dice)
        equal(rig.rest(f"/batches/{batch}")["passed"], CAMERAS, "units passed")
        for camera in range(1, CAMERAS + 1):
            equal(rig.dump(camera, "ROMFS0")[:len(want)] == want, True, f"flash of camera {camera}")
        with rig.database() as db:
            equal(db.execute("SELECT count(*) FROM attempts WHERE verdict IS NULL").fetchone(), (0,), "attempts without end")
            equal(db.execute("SELECT count(*) FROM units WHERE passed IS NOT NULL").fetchone(), (CAMERAS,), "units")


test.main()
