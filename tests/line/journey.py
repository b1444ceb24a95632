#!/usr/bin/env python3
"""Whole journeys: from a recipe to a verdict that is on disk, on virtual cameras, by the real daemon."""
import os
import random
import sqlite3
import time

from harness import AWAY_MS, Refused, Rig, Tests, equal, payload, until

test = Tests()
ENDS = {"passed", "failed", "error", "refused", "aborted", "unrecorded"}
STEPS = ["identified", "admitted", "compared", "written", "read-back", "proved", "restarted", "confirmed"]


def pass_one(board):
    with Rig(board, start=False) as rig:
        path, sha, batch = rig.prepare()
        rig.start()
        slot = rig.wait_rest()[0]
        equal(slot["state"], "passed", f"{slot['code']}: {slot['message']}")
        want = payload(path)
        equal(rig.dump(1, "ROMFS0")[:len(want)], want, "flash")
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal((attempt["verdict"], attempt["recipe"], attempt["batch"]), ("PASS", sha, batch))
        equal([s["step"] for s in attempt["steps"]], STEPS)
        equal(attempt["regions"][0]["crc32"], attempt["regions"][0]["crc32_read"])
        equal(rig.camera(1)["mode"], "run")


@test
def n6():
    """openmv-n6: written, proved, restarted, PASS"""
    pass_one("openmv-n6")


@test
def h7_plus():
    """openmv-h7-plus: written, proved, restarted, PASS"""
    pass_one("openmv-h7-plus")


@test
def h7():
    """openmv-h7: write-once internal flash, one unit, PASS"""
    pass_one("openmv-h7")


@test
def old_bootloader():
    """an old bootloader that leaves only by a bus reset: PASS"""
    with Rig(start=False, options=["--bootloader", "0200"]) as rig:
        rig.prepare()
        rig.start()
        slot = rig.wait_rest()[0]
        equal(slot["state"], "passed", f"{slot['code']}: {slot['message']}")


@test
def inside_the_window():
    """cameras that have just been powered are latched inside their window"""
    with Rig(cameras=4, mode="boot", start=False) as rig:
        rig.prepare()
        rig.start()
        for slot in rig.wait_rest():
            equal(slot["state"], "passed", f"slot {slot['slot']} {slot['code']}: {slot['message']}")


@test
def second_time_is_delta():
    """a camera that holds the recipe already is proved without a write"""
    with Rig(program="already_passed = allow", start=False) as rig:
        rig.prepare()
        rig.start()
        first = rig.wait_slot(1, {"passed"})["attempt"]
        rig.control("power-cycle 1 hold")
        slot = until(lambda: next((s for s in rig.slots() if s["state"] in ENDS and s["attempt"] != first), None),
                     "the second attempt ends")
        equal(slot["state"], "passed", slot["message"])
        written = next(s for s in rig.rest(f"/attempts/{slot['attempt']}")["steps"] if s["step"] == "written")
        equal(written["bytes"], 0, "bytes written")


@test
def only_what_differs():
    """a camera that holds all but one byte of the recipe gets that unit and unit 0 written, and nothing else"""
    files = {"main.py": b"print('x')\n", "data.bin": random.Random(1).randbytes(250000)}
    with Rig(start=False) as rig:
        path, _, _ = rig.prepare(files=files)
        want = payload(path)
        rig.start(mode="run")
        until(lambda: rig.slots(), "the camera is there")
        spoilt = os.path.join(rig.work, "spoilt")
        with open(spoilt, "wb") as f:
            f.write(want[:140000] + bytes([want[140000] ^ 1]) + want[140001:])
        rig.control(f"load 1 ROMFS0 {spoilt}")
        rig.control("power-cycle 1 hold")
        slot = rig.wait_slot(1, ENDS)
        equal(slot["state"], "passed", slot["message"])
        steps = {s["step"]: s for s in rig.rest(f"/attempts/{slot['attempt']}")["steps"]}
        written = steps["written"]
        equal(steps["read-back"]["bytes"], len(want), "bytes read back: nothing had to be written again")
        equal((written["units"], written["skipped"]), (2, -(-len(want) // 65536) - 2), "units written and skipped")
        equal(rig.dump(1, "ROMFS0")[:len(want)] == want, True, "flash")


@test
def no_batch():
    """without a batch the camera is refused, released, and its flash is as it was"""
    with Rig() as rig:
        before = rig.dump(1, "ROMFS0")
        slot = rig.wait_slot(1, {"refused"})
        equal(slot["code"], "no-batch")
        equal(rig.rest(f"/attempts/{slot['attempt']}")["refused"], True)
        equal(rig.dump(1, "ROMFS0"), before, "flash")
        until(lambda: rig.camera(1)["mode"] == "run", "the refused camera runs")


@test
def refused_without_firmware():
    """a refused camera that has no firmware to go to is let go once, comes back, and then rests where it is"""
    with Rig(start=False, options=["--flash", "blank", "--windows", "0.2"]) as rig:
        rig.start()

        def rows():
            with rig.database() as db:
                return db.execute("SELECT count(*) FROM attempts WHERE refused = 1").fetchone()[0]
        until(lambda: rows() == 2, "it is refused again")
        rig.wait_slot(1, {"refused"})
        devnum = rig.camera(1)["devnum"]
        time.sleep(2)  # five times as long as it takes to come back
        equal((rows(), rig.camera(1)["devnum"]), (2, devnum), "rows, and arrivals")
        rig.control("power-cycle 1 hold")
        until(lambda: rows() > 2, "a replug is looked at")


@test
def already_passed():
    """a unit that has passed is refused, and its flash is as it was"""
    with Rig(start=False) as rig:
        rig.prepare()
        rig.start()
        rig.wait_slot(1, {"passed"})
        before = rig.dump(1, "ROMFS0")
        rig.control("power-cycle 1 hold")
        slot = rig.wait_slot(1, {"refused"})
        equal(slot["code"], "already-passed")
        equal(rig.dump(1, "ROMFS0"), before, "flash")


@test
def asking():
    """already_passed = ask: the slot asks, and retry programs it again"""
    with Rig(program="already_passed = ask", start=False) as rig:
        rig.prepare()
        rig.start()
        rig.wait_slot(1, {"passed"})
        rig.control("power-cycle 1 hold")
        rig.wait_slot(1, {"asking"})
        rig.rest("/slots/1/retry", method="POST")
        equal(rig.wait_slot(1, ENDS)["state"], "passed")


@test
def quantity():
    """a batch's quantity is never exceeded"""
    with Rig(cameras=3, start=False) as rig:
        rig.prepare(quantity=2)
        rig.start()
        slots = rig.wait_rest()
        equal(sorted(s["state"] for s in slots), ["passed", "passed", "refused"])
        equal({s["code"] for s in slots if s["state"] == "refused"}, {"batch-complete"})


def with_fault(fault, verdict, code, **options):
    """One faulty camera beside a good one; the good one passes."""
    with Rig(cameras=2, start=False, **options) as rig:
        path, _, _ = rig.prepare()
        rig.start(mode="run")
        rig.control(f"fault camera=1 {fault}")
        for camera in (1, 2):
            rig.control(f"power-cycle {camera} hold")
        slot = rig.wait_slot(1, ENDS)
        equal((slot["verdict"], slot["code"]), (verdict, code), slot["message"])
        equal(rig.wait_slot(2, ENDS)["state"], "passed", "the neighbour")
        equal(rig.camera(1)["fired"] > 0, True, "the fault fired")
        return rig.dump(1, "ROMFS0"), payload(path)


@test
def flipped_bit():
    """a bit that comes back wrong for good is FAIL flash-mismatch, after one rewrite"""
    with_fault("at=upload partition=ROMFS0 block=17 times=100 do=flip:5.3", "FAIL", "flash-mismatch")


@test
def cured_by_rewrite():
    """a block that was programmed wrong once is written again, and passes"""
    flash, want = with_fault("at=program partition=ROMFS0 block=17 do=flip:5.3", "PASS", "ok")
    equal(flash[:len(want)], want)


@test
def lying_elsewhere():
    """a bootloader that reports success and writes elsewhere does not pass"""
    with_fault("at=program partition=ROMFS0 times=1000 do=elsewhere:65536", "FAIL", "flash-mismatch")


@test
def flash_error_twice():
    """errPROG on one unit twice is FAIL flash-error"""
    with_fault("at=program partition=ROMFS0 block=17 times=2 do=status:errPROG", "FAIL", "flash-error")


@test
def flash_error_once():
    """errPROG once is written again, and passes"""
    flash, want = with_fault("at=program partition=ROMFS0 block=17 do=status:errPROG", "PASS", "ok")
    equal(flash[:len(want)], want)


@test
def unplugged_while_writing():
    """unplugged in mid-write: ERROR usb-gone, neighbours pass, nothing mounts, a replug passes"""
    with Rig(cameras=2, start=False) as rig:
        path, _, _ = rig.prepare()
        rig.start(mode="run")
        rig.control("fault camera=1 at=dnload partition=ROMFS0 nth=10 do=unplug")
        for camera in (1, 2):
            rig.control(f"power-cycle {camera} hold")
        slot = rig.wait_slot(1, ENDS)
        equal((slot["verdict"], slot["code"]), ("ERROR", "usb-gone"))
        equal(rig.wait_slot(2, ENDS)["state"], "passed")
        equal(rig.dump(1, "ROMFS0")[:3] != b"\xd2\xcd\x31", True, "a half-written region has no header")
        rig.control("plug 1")
        rig.control("power-cycle 1 hold")
        slot = until(lambda: next((s for s in rig.slots() if s["slot"] == 1 and s["state"] in ("passed", "failed")),
                                  None), "the replugged camera ends")
        equal(slot["state"], "passed", slot["message"])
        want = payload(path)
        equal(rig.dump(1, "ROMFS0")[:len(want)], want)


@test
def never_returns():
    """a camera that does not come back after its restart is FAIL no-return"""
    with_fault("at=return do=no-return", "FAIL", "no-return", return_ms=5000)


@test
def other_path():
    """a camera that comes back on another port is ERROR wrong-path"""
    with_fault("at=return do=other-path:1-1.7", "ERROR", "wrong-path")


@test
def killed():
    """kill -9 in mid-write: the attempt is ERROR station-stopped, shown so, and a retry passes"""
    with Rig(start=False, options=["--respawn"], speed="1") as rig:
        rig.prepare()
        rig.start()
        first = rig.wait_slot(1, {"compared"})["attempt"]
        os.unlink(f"{rig.state}/http.address")
        os.kill(rig.station_pid(), 9)
        until(lambda: os.path.exists(f"{rig.state}/http.address"), "the station is back")
        rig.find_url()
        equal(rig.wait_slot(1, {"error"})["code"], "station-stopped")
        equal(rig.rest(f"/attempts/{first}")["code"], "station-stopped")
        rig.rest("/slots/1/retry", method="POST")
        equal(rig.wait_slot(1, {"passed", "failed"})["state"], "passed")


@test
def one_batch_per_board():
    """a second batch for the same board is refused: batch-open"""
    with Rig(cameras=0) as rig:
        sha = rig.upload(rig.recipe())
        rig.open_batch(sha)
        try:
            rig.open_batch(sha, order="WO-2")
        except Refused as refused:
            equal((refused.status, refused.code), (409, "batch-open"))
        else:
            raise AssertionError("a second batch was opened")


@test
def green_only_after_commit():
    """while the journal cannot commit, nothing is green; then the PASS is in the database before it is shown"""
    with Rig(start=False, return_ms=AWAY_MS) as rig:
        rig.prepare()
        rig.start(faults=["camera=1 at=return do=no-return"])  # it is away until it is told to come back
        rig.wait_slot(1, {"restarted"})
        blocker = sqlite3.connect(f"{rig.state}/journal.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")  # the station's writer waits for us
        rig.control("clear")
        rig.control("power-cycle 1 run")
        until(lambda: rig.camera(1)["mode"] == "run", "the camera runs")
        for _ in range(20):
            equal(rig.slots()[0]["state"] in ("restarted", "confirmed"), True, f"state {rig.slots()[0]['state']}")
        rig.wait_slot(1, {"confirmed"})
        blocker.execute("ROLLBACK")
        blocker.close()
        slot = rig.wait_slot(1, ENDS)
        equal(slot["state"], "passed", slot["message"])
        with rig.database() as db:
            row = db.execute("SELECT verdict FROM attempts WHERE id = ?", (int(slot["attempt"]),)).fetchone()
        equal(row, ("PASS",))


test.main()
