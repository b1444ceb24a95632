#!/usr/bin/env python3
"""Admission: every rule that keeps a camera from being programmed.  Each refusal leaves the flash as it was, to the byte,
releases the camera, and has an attempt that says refused, ERROR and the code."""
import datetime
import hashlib
import json
import os

from harness import RESTING, Refused, Rig, Tests, equal, until

test = Tests()
SMALL = {"main.py": b"print('hello')\n"}
WRITABLE = {"openmv-h7": ("FILESYSTEM", "FIRMWARE", "ROMFS0"), "openmv-n6": ("FIRMWARE", "FILESYSTEM", "ROMFS0"),
            "openmv-h7-plus": ("FILESYSTEM", "FIRMWARE", "ROMFS0"), "openmv-m7": ("FILESYSTEM", "FIRMWARE", "ROMFS0")}


def flash(rig, camera):
    board = rig.camera(camera)["board"]
    return {p: hashlib.sha256(rig.dump(camera, p)).hexdigest() for p in WRITABLE[board]}


def slot_of(rig, camera):
    path = rig.camera(camera)["path"]
    return next((s for s in rig.slots() if s["path"] == path), None)


def plug(rig, camera, mode="hold"):
    """A camera arrives in its bootloader; returns its slot once a new attempt there has come to rest."""
    old = slot_of(rig, camera)
    rig.control(f"power-cycle {camera} {mode}")

    def rests():
        slot = slot_of(rig, camera)
        fresh = slot and (not old or slot["since"] != old["since"] and slot["attempt"] != old["attempt"])
        return slot if fresh and slot["state"] in RESTING else None
    return until(rests, f"camera {camera} has a new verdict")


def refuse(rig, camera, code, runs=True):
    before = flash(rig, camera)
    slot = plug(rig, camera)
    equal((slot["state"], slot["verdict"], slot["code"]), ("refused", "ERROR", code), slot["message"])
    attempt = rig.rest(f"/attempts/{slot['attempt']}")
    equal((attempt["verdict"], attempt["refused"], attempt["code"]), ("ERROR", True, code))
    equal(attempt["action"] is not None and attempt["message"] is not None, True, "message and action")
    equal(attempt["ended_at"] is not None, True, "it has ended")
    if runs:
        until(lambda: rig.camera(camera)["mode"] == "run", "the refused camera was released")
    equal(flash(rig, camera), before, "flash")
    return attempt


def passes(rig, camera):
    slot = plug(rig, camera)
    equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
    return rig.rest(f"/attempts/{slot['attempt']}")


def ready(rig, quantity=100, mode="run", **recipe):
    """A station with an open batch, and cameras in run mode."""
    recipe.setdefault("files", SMALL)
    path, sha, batch = rig.prepare(quantity, **recipe)
    rig.start(mode=mode)
    return path, sha, batch


def rule(**options):
    options.setdefault("board", "openmv-h7")
    options.setdefault("speed", "50")
    options["options"] = ["--windows", "0.25", *options.get("options", ())]
    return Rig(start=False, **options)


def time_text(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@test
def no_batch():
    """no batch: no-batch; the batch of another board does not count"""
    with rule(board="openmv-h7,openmv-n6", cameras=2) as rig:
        ready(rig, board="openmv-n6")
        refuse(rig, 1, "no-batch")
        passes(rig, 2)


@test
def old_bootloader_is_released():
    """an old bootloader is released by a bus reset, and not taken up again"""
    with rule(board="openmv-n6", options=["--bootloader", "0200"]) as rig:
        rig.start(mode="run")
        attempt = refuse(rig, 1, "no-batch")
        equal(len(rig.rest("/attempts")["items"]), 1, "attempts")
        equal(attempt["versions"]["bootloader"], "0200")


def rename(board):
    if board["id"] == "openmv-h7":
        for p in board["partitions"]:
            if p["name"] == "FILESYSTEM":
                p["name"] = "STORAGE"


@test
def other_alternates():
    """alternates of other names under the right VID:PID: wrong-board"""
    with rule(boards=rename) as rig:
        ready(rig)
        refuse(rig, 1, "wrong-board")


def shrink(board):
    if board["id"] == "openmv-n6":
        for p in board["partitions"]:
            if p["name"] == "ROMFS0":
                p["size"] //= 2
                p["erase"][0][1] //= 2


@test
def other_size():
    """a partition of the recipe that has another size: wrong-board"""
    with rule(board="openmv-n6", boards=shrink) as rig:
        rig.start(cameras=0)
        parts = [f"ROMFS0={os.path.join(rig.work, 'app-1.0.0')}"]
        sha = rig.upload(rig.recipe(files=SMALL, parts=parts))
        rig.open_batch(sha)
        rig.stop()
        rig.start(mode="run")
        refuse(rig, 1, "wrong-board")


@test
def malformed_uid():
    """a serial that is not in its board's form: uid-malformed"""
    with rule() as rig:
        ready(rig)
        # the device descriptor names another string: the product's name, whoever reads it
        rig.control("fault camera=1 at=enumerate do=flip:16.0")
        before = flash(rig, 1)
        slot = plug(rig, 1)
        equal(slot["code"], "uid-malformed")
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal((attempt["refused"], attempt["uid"]), (True, None))
        equal(flash(rig, 1), before, "flash")


@test
def duplicates_together():
    """two cameras with one UID that come together: never both, and no PASS for two"""
    with rule(cameras=2) as rig:
        ready(rig)
        rig.control("fault camera=2 at=enumerate times=100 do=uid-of:1")
        before = flash(rig, 2)
        for camera in (1, 2):
            rig.control(f"power-cycle {camera} hold")
        slots = rig.wait_rest(2)
        codes = sorted(s["code"] for s in slots)
        equal(codes in (["duplicate-uid", "duplicate-uid"], ["duplicate-uid", "ok"]), True, codes)
        if slots[1]["code"] == "duplicate-uid":
            equal(flash(rig, 2), before, "flash")


@test
def duplicate_of_a_running_one():
    """a camera with the UID of one that is being programmed is refused; the running one passes"""
    with Rig("openmv-n6", cameras=2, start=False, speed="2") as rig:
        ready(rig, files=None)
        rig.control("fault camera=2 at=enumerate times=100 do=uid-of:1")
        rig.control("power-cycle 1 hold")
        rig.wait_slot(1, {"compared", "written", "read-back"})
        refuse(rig, 2, "duplicate-uid")
        equal(rig.wait_slot(1, RESTING)["state"], "passed")


@test
def duplicate_of_one_that_runs():
    """a camera with the UID of one that has passed and is still plugged in: duplicate-uid; once that is gone it is itself"""
    with rule(cameras=2, program="already_passed = allow") as rig:
        ready(rig)
        rig.control("fault camera=2 at=enumerate times=100 do=uid-of:1")
        passes(rig, 1)
        refuse(rig, 2, "duplicate-uid")
        rig.control("unplug 1")
        rig.wait_slot(1, {"empty"})
        passes(rig, 2)


@test
def passed_refuse():
    """already_passed = refuse: already-passed, also when a person retries; another recipe is no rework"""
    with rule() as rig:
        _, _, batch = ready(rig)
        passes(rig, 1)
        refuse(rig, 1, "already-passed")
        rig.rest(f"/batches/{batch}/close", method="POST")
        sha = rig.upload(rig.recipe(version="1.0.1", files=SMALL))
        rig.open_batch(sha, order="WO-2")
        passes(rig, 1)
        refuse(rig, 1, "already-passed")


@test
def passed_allow():
    """already_passed = allow: it passes again, and counts once"""
    with rule(program="already_passed = allow") as rig:
        _, _, batch = ready(rig, quantity=1)
        passes(rig, 1)
        passes(rig, 1)
        equal(rig.rest(f"/batches/{batch}")["passed"], 1)


@test
def passed_ask():
    """already_passed = ask: asking until unplugged or retried; nothing is erased meanwhile"""
    with rule(program="already_passed = ask") as rig:
        ready(rig)
        first = passes(rig, 1)
        before = flash(rig, 1)
        rig.control("power-cycle 1 hold")
        slot = rig.wait_slot(1, {"asking"})
        equal(slot["code"], "already-passed")
        rig.control("unplug 1")
        rig.wait_slot(1, {"empty"})
        equal(flash(rig, 1), before)
        equal(len(rig.rest("/attempts")["items"]), 1, "attempts")
        rig.control("plug 1 hold")
        rig.wait_slot(1, {"asking"})
        rig.rest("/slots/1/retry", method="POST")
        slot = rig.wait_slot(1, {"passed"})
        equal(slot["attempt"] != first["id"], True, "another attempt")


@test
def complete():
    """a batch with all its units: batch-complete; one of its own units may still be reworked"""
    with rule(cameras=2, program="already_passed = allow") as rig:
        _, _, batch = ready(rig, quantity=1)
        passes(rig, 1)
        refuse(rig, 2, "batch-complete")
        passes(rig, 1)
        equal(rig.rest(f"/batches/{batch}")["passed"], 1)


@test
def held_batch():
    """a batch that a person holds: batch-held; resumed, it goes on"""
    with rule() as rig:
        _, _, batch = ready(rig)
        rig.rest(f"/batches/{batch}/hold", method="POST")
        refuse(rig, 1, "batch-held")
        rig.rest(f"/batches/{batch}/resume", method="POST")
        passes(rig, 1)


@test
def too_early():
    """a recipe before its time is not taken in: too-early"""
    with rule(cameras=0) as rig:
        rig.start()
        path = rig.recipe(files=SMALL, extra=["--limit", f"not_before={time_text(3600)}"])
        try:
            rig.upload(path)
        except Refused as refused:
            equal((refused.status, refused.code), (422, "too-early"))
        else:
            raise AssertionError("it was taken in")
        equal(rig.rest("/recipes")["items"], [], "recipes")


@test
def expired():
    """a recipe that expires while its batch is open: expired, judged at each admission"""
    with rule() as rig:
        ready(rig, extra=["--limit", f"not_after={time_text(6)}"])
        end = datetime.datetime.now() + datetime.timedelta(seconds=7)
        until(lambda: datetime.datetime.now() > end, "the recipe's time is over")
        refuse(rig, 1, "expired")


@test
def units_exhausted():
    """a recipe for two units: of three cameras at once two are programmed, the third is refused"""
    with rule(cameras=3, program="already_passed = allow") as rig:
        ready(rig, extra=["--limit", "units=2"])
        before = [flash(rig, camera) for camera in (1, 2, 3)]
        for camera in (1, 2, 3):
            rig.control(f"power-cycle {camera} hold")
        slots = rig.wait_rest()
        equal(sorted(s["state"] for s in slots), ["passed", "passed", "refused"])
        out = next(s for s in slots if s["state"] == "refused")
        equal(out["code"], "units-exhausted")
        equal(flash(rig, out["slot"]), before[out["slot"] - 1], "flash")
        inside = next(s["slot"] for s in slots if s["state"] == "passed")
        passes(rig, inside)  # a rework counts no second time
        refuse(rig, out["slot"], "units-exhausted")


@test
def one_unit_left():
    """four cameras at once for a quantity of one: exactly one passes"""
    with rule(cameras=4) as rig:
        _, _, batch = ready(rig, quantity=1)
        for camera in (1, 2, 3, 4):
            rig.control(f"power-cycle {camera} hold")
        slots = rig.wait_rest()
        equal(sorted(s["code"] for s in slots), ["batch-complete"] * 3 + ["ok"])
        equal(rig.rest(f"/batches/{batch}")["passed"], 1)


@test
def rollback():
    """an older recipe of a product that was programmed here with a newer one: rollback"""
    with rule() as rig:
        _, _, old = ready(rig, extra=["--rollback", "1"])
        rig.rest(f"/batches/{old}/close", method="POST")
        older = rig.rest("/recipes")["items"][0]["sha256"]
        new = rig.open_batch(rig.upload(rig.recipe(version="2.0.0", files=SMALL, extra=["--rollback", "2"])))
        passes(rig, 1)
        rig.rest(f"/batches/{new}/close", method="POST")
        rig.open_batch(older, order="WO-3")
        refuse(rig, 1, "rollback")


def trust_file(rig, data):
    with open(f"{rig.trust}/test.json", "w") as f:
        json.dump({"roles": ["release"], "not_before": None, "not_after": None, "revoked": None, **data}, f)


def restart(rig):
    equal(rig.stop(), 0, "exit status")
    rig.start(mode="run")


@test
def key_revoked():
    """a key that is revoked between intake and admission: key-revoked; given back, it passes"""
    with rule() as rig:
        ready(rig)
        trust_file(rig, {"revoked": time_text(-60)})
        restart(rig)
        refuse(rig, 1, "key-revoked")
        trust_file(rig, {})
        restart(rig)
        passes(rig, 1)


@test
def key_expired():
    """a key that is no longer in force at admission: key-not-in-force"""
    with rule() as rig:
        ready(rig)
        trust_file(rig, {"not_after": time_text(-60)})
        restart(rig)
        refuse(rig, 1, "key-not-in-force")


@test
def key_gone():
    """a key that the station no longer trusts: key-unknown"""
    with rule() as rig:
        ready(rig)
        os.rename(f"{rig.trust}/test.pub", f"{rig.trust}/test.was")
        restart(rig)
        refuse(rig, 1, "key-unknown")


@test
def recipe_revoked():
    """a recipe that was revoked while its batch is open: recipe-revoked"""
    with rule() as rig:
        _, sha, batch = ready(rig)
        with open(f"{rig.trust}/revoked-recipes", "w") as f:
            f.write(f"# bad\n{sha}\n")
        restart(rig)
        refuse(rig, 1, "recipe-revoked")
        rig.rest(f"/batches/{batch}/close", method="POST")
        refuse(rig, 1, "no-batch")


@test
def mixed_boards():
    """three boards in one fixture with two batches: each gets its own recipe, the third is refused"""
    with rule(board="openmv-h7,openmv-n6,openmv-m7", cameras=6) as rig:
        rig.start(cameras=0)
        shas = {b: rig.upload(rig.recipe(name=b, board=b, files=SMALL)) for b in ("openmv-h7", "openmv-n6")}
        for board, sha in shas.items():
            rig.open_batch(sha, order=board)
        rig.stop()
        rig.start(mode="run")
        boards = [rig.camera(c)["board"] for c in range(1, 7)]
        for camera in range(1, 7):
            rig.control(f"power-cycle {camera} hold")
        for slot in rig.wait_rest():
            board = boards[slot["slot"] - 1]
            attempt = rig.rest(f"/attempts/{slot['attempt']}")
            equal(attempt["board"], board)
            equal((slot["code"], attempt["recipe"]), ("ok", shas[board]) if board in shas else ("no-batch", None))


@test
def disabled_slot():
    """a disabled slot starts nothing, over a restart too; enabled, it takes up the camera that waits"""
    for slots in (None, ["1-1.1"]):
        with rule(slots=slots) as rig:
            ready(rig)
            if not slots:
                rig.wait_slot(1, {"running"})
            rig.rest("/slots/1/disable", method="POST")
            before = flash(rig, 1)
            rig.control("power-cycle 1 hold")
            rig.control("wait 1 boot 10000")
            try:
                rig.rest("/slots/1/retry", method="POST")
            except Refused as refused:
                equal((refused.status, refused.code), (409, "conflict"))
            else:
                raise AssertionError("a disabled slot was retried")
            equal(flash(rig, 1), before)
            equal(rig.rest("/attempts")["items"], [], "attempts")
            equal(rig.stop(), 0)
            rig.start(mode="hold")
            slot = rig.slots()[0]
            equal((slot["enabled"], slot["state"]), (False, "empty"))
            equal(rig.rest("/attempts")["items"], [], "attempts")
            rig.rest("/slots/1/enable", method="POST")
            equal(rig.wait_slot(1, RESTING)["state"], "passed")


@test
def fixed_slots():
    """a line file: slots in its order, and a camera elsewhere is a station event and no attempt"""
    with rule(cameras=3, slots=["1-1.3", "1-1.1"]) as rig:
        ready(rig)
        equal([(s["slot"], s["name"], s["path"]) for s in rig.slots()],
              [(1, "place 1", "1-1.3"), (2, "place 2", "1-1.1")])
        rig.control("power-cycle 2 hold")
        rig.control("wait 2 boot 10000")
        passes(rig, 3)
        passes(rig, 1)
        equal(len(rig.rest("/attempts")["items"]), 2, "attempts")
        with rig.database() as db:
            seen = db.execute("SELECT count(*) FROM station_events WHERE path = '1-1.2'").fetchone()[0]
        equal(seen > 0, True, "a station event")


@test
def automatic_slots():
    """automatic slots: numbered by first appearance, kept over a restart in another order"""
    with rule(cameras=3) as rig:
        rig.start(cameras=0)
        rig.stop()
        rig.start(mode="run")
        rig.wait_slot(3, {"running"})
        for camera in (1, 2, 3):
            rig.control(f"unplug {camera}")
        before = [(s["slot"], s["name"], s["path"]) for s in rig.slots()]
        equal(len(before), 3)
        rig.stop()
        rig.start(cameras=2, mode="run")
        rig.wait_slot(2, {"running"})
        equal([(s["slot"], s["name"], s["path"]) for s in rig.slots()], before)


@test
def unknown_device():
    """a device that matches no board: a station event, never an attempt, and no running camera"""
    def foreign(board):
        if board["id"] == "openmv-n6":
            board["usb"].update(dfu="1234:0001", run="1234:0002", run_legacy=[])
    with rule(board="openmv-n6,openmv-h7", cameras=2, boards=foreign) as rig:
        ready(rig, board="openmv-h7")
        rig.control("power-cycle 1 hold")
        rig.control("wait 1 boot 10000")
        passes(rig, 2)
        equal([s["path"] for s in rig.slots()], ["1-1.2"])
        equal({a["board"] for a in rig.rest("/attempts")["items"]}, {"openmv-h7"})
        with rig.database() as db:
            texts = [t for t, in db.execute("SELECT message FROM station_events WHERE path = '1-1.1'")]
        equal(any("37c5:9206" in t for t in texts), True, texts)
        # the same in a port that is a slot
        rig.control("unplug 2")
        rig.wait_slot(1, {"empty"})
        rig.control("unplug 1")
        rig.control("move 2 1-1.3")
        rig.control("move 1 1-1.2")
        rig.control("power-cycle 1 hold")
        rig.control("wait 1 boot 10000")
        with rig.database() as db:
            until(lambda: db.execute("SELECT count(*) FROM station_events WHERE path = '1-1.2'").fetchone()[0],
                  "a station event")
        equal((rig.slots()[0]["path"], rig.slots()[0]["state"]), ("1-1.2", "empty"))
        equal(len(rig.rest("/attempts")["items"]), 1, "attempts")


test.main()
