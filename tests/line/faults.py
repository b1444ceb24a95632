#!/usr/bin/env python3
"""Faults, step by step: one camera of the fixture has one, and gets the verdict and the code that the table says, while
its neighbours pass.  Cameras with different faults share a fixture, as they do in life.

A row: what is wrong with the camera, the verdict, the code.  A fault without `times` happens once; what a retry cures
is PASS."""
import os

from harness import RESTING, Rig, Tests, equal, payload, until

test = Tests()
ALWAYS = "times=100000"

GONE = [  # the cable, at each step; block 9 is read by the read-back only, since comparing stops earlier
    ("at=open do=unplug", "ERROR", "usb-gone"),
    ("at=upload nth=1 do=unplug", "ERROR", "usb-gone"),
    ("at=descriptor nth=3 do=unplug", "ERROR", "usb-gone"),
    ("at=upload partition=ROMFS0 block=0 do=unplug", "ERROR", "usb-gone"),
    ("at=set-interface partition=ROMFS0 do=power-cut", "ERROR", "usb-gone"),
    ("at=dnload partition=ROMFS0 nth=1 do=unplug", "ERROR", "usb-gone"),
    ("at=erase partition=ROMFS0 nth=2 do=power-cut", "ERROR", "usb-gone"),
    ("at=program partition=ROMFS0 nth=5 do=power-cut", "ERROR", "usb-gone"),
    ("at=getstatus partition=ROMFS0 nth=7 do=unplug", "ERROR", "usb-gone"),
    ("at=upload partition=ROMFS0 block=9 do=unplug", "ERROR", "usb-gone"),
    ("at=upload partition=ROMFS0 block=9 do=power-cut", "ERROR", "usb-gone"),
]
RESTART = [
    ("at=detach do=unplug", "FAIL", "no-return"),
    ("at=leave do=power-cut", "FAIL", "no-return"),
    ("at=leave do=no-return", "FAIL", "no-return"),
    ("at=return do=no-return", "FAIL", "no-return"),
    ("at=return do=unplug", "FAIL", "no-return"),
    ("at=return do=other-path:1-3.7", "ERROR", "wrong-path"),
    ("at=detach do=silent", "PASS", "ok"),
    (f"at=detach {ALWAYS} do=stall", "PASS", "ok"),  # a bus reset makes it leave
    (f"at=detach {ALWAYS} do=lie", "PASS", "ok"),
    ("at=upload nth=1 do=early-boot", "ERROR", "left-early"),
    ("at=open do=early-boot", "ERROR", "left-early"),
    ("at=upload partition=ROMFS0 block=0 do=early-boot", "ERROR", "left-early"),
    ("at=dnload partition=ROMFS0 nth=3 do=early-boot", "ERROR", "usb-gone"),
]
ONCE = [  # what the camera or the cable does once costs no unit
    ("at=upload nth=1 do=stall", "PASS", "ok"),
    ("at=upload partition=ROMFS0 block=9 do=stall", "PASS", "ok"),
    ("at=upload partition=ROMFS0 block=9 do=short:100", "PASS", "ok"),
    ("at=upload partition=ROMFS0 block=9 do=garbage", "PASS", "ok"),
    ("at=upload partition=ROMFS0 block=9 do=flip:7.1", "PASS", "ok"),
    ("at=dnload partition=ROMFS0 nth=4 do=stall", "PASS", "ok"),
    ("at=dnload partition=ROMFS0 nth=4 do=flip:7.1", "PASS", "ok"),
    ("at=dnload partition=ROMFS0 nth=4 do=garbage", "PASS", "ok"),
    ("at=getstatus partition=ROMFS0 nth=4 do=short:3", "PASS", "ok"),
    ("at=program partition=ROMFS0 nth=4 do=lie", "PASS", "ok"),
    ("at=program partition=ROMFS0 nth=4 do=status:errPROG", "PASS", "ok"),
    ("at=erase partition=ROMFS0 nth=2 do=status:errERASE", "PASS", "ok"),
    ("at=open do=eacces", "PASS", "ok"),
    ("at=open do=ebusy", "PASS", "ok"),
]
PROTOCOL = [
    (f"at=upload {ALWAYS} do=stall", "ERROR", "usb-protocol"),
    (f"at=upload partition=ROMFS0 block=9 {ALWAYS} do=stall", "ERROR", "usb-protocol"),
    (f"at=upload partition=ROMFS0 block=9 {ALWAYS} do=short:100", "ERROR", "usb-protocol"),
    (f"at=upload partition=ROMFS0 block=9 {ALWAYS} do=long:8", "ERROR", "usb-protocol"),
    (f"at=set-interface partition=ROMFS0 {ALWAYS} do=stall", "ERROR", "usb-protocol"),
    (f"at=dnload {ALWAYS} do=stall", "ERROR", "usb-protocol"),
    (f"at=getstatus {ALWAYS} do=stall", "ERROR", "usb-protocol"),
    (f"at=getstatus {ALWAYS} do=short:3", "ERROR", "usb-protocol"),
    (f"at=getstatus {ALWAYS} do=long:1", "ERROR", "usb-protocol"),
    (f"at=getstatus {ALWAYS} do=garbage", "ERROR", "usb-protocol"),
    (f"at=descriptor {ALWAYS} do=stall", "ERROR", "usb-protocol"),
    (f"at=descriptor {ALWAYS} do=short:1", "ERROR", "usb-protocol"),
    (f"at=dnload {ALWAYS} do=status:errADDRESS", "ERROR", "usb-protocol"),
    (f"at=open {ALWAYS} do=eacces", "ERROR", "usb-denied"),
    (f"at=open {ALWAYS} do=ebusy", "ERROR", "usb-busy"),
]
SILENT = [
    (f"at=upload {ALWAYS} do=silent", "ERROR", "usb-timeout"),
    (f"at=upload partition=ROMFS0 block=9 {ALWAYS} do=silent", "ERROR", "usb-timeout"),
    (f"at=set-interface partition=ROMFS0 {ALWAYS} do=silent", "ERROR", "usb-timeout"),
    (f"at=dnload {ALWAYS} do=silent", "ERROR", "usb-timeout"),
    (f"at=getstatus {ALWAYS} do=silent", "ERROR", "usb-timeout"),
    (f"at=descriptor {ALWAYS} do=silent", "ERROR", "usb-timeout"),
    ("at=upload nth=1 do=silent", "PASS", "ok"),
    ("at=dnload partition=ROMFS0 nth=4 do=silent", "PASS", "ok"),
    ("at=getstatus partition=ROMFS0 nth=4 do=silent", "PASS", "ok"),
]
FLASH = [
    (f"at=erase partition=ROMFS0 {ALWAYS} do=no-erase", "FAIL", "flash-mismatch"),
    (f"at=program partition=ROMFS0 {ALWAYS} do=elsewhere:65536", "FAIL", "flash-mismatch"),
    (f"at=program partition=ROMFS0 block=17 {ALWAYS} do=lie", "FAIL", "flash-mismatch"),
    (f"at=program partition=ROMFS0 block=17 {ALWAYS} do=flip:9.2", "FAIL", "flash-mismatch"),
    (f"at=program partition=ROMFS0 block=17 {ALWAYS} do=garbage", "FAIL", "flash-mismatch"),
    (f"at=dnload partition=ROMFS0 block=17 {ALWAYS} do=garbage", "FAIL", "flash-mismatch"),
    (f"at=upload partition=ROMFS0 block=17 {ALWAYS} do=flip:9.2", "FAIL", "flash-mismatch"),
    (f"at=upload partition=ROMFS0 {ALWAYS} do=garbage", "FAIL", "flash-mismatch"),
    (f"at=erase partition=ROMFS0 {ALWAYS} do=status:errERASE", "FAIL", "flash-error"),
    (f"at=program partition=ROMFS0 {ALWAYS} do=status:errWRITE", "FAIL", "flash-error"),
    (f"at=program partition=ROMFS0 block=17 {ALWAYS} do=status:errVERIFY", "FAIL", "flash-error"),
    (f"at=getstatus partition=ROMFS0 {ALWAYS} do=status:errPROG", "FAIL", "flash-error"),
]


def old_application(rig):
    """What a used camera holds; a flash that does not erase spoils what is written over it."""
    path = os.path.join(rig.work, "old")
    with open(path, "wb") as f:
        f.write(b"\xd2\xcd\x31\x81\x00" + b"\x00" * 131072)
    return path


def judge(rig, slot, spec, verdict, code, want):
    got = (slot["verdict"], slot["code"])
    if got != (verdict, code):
        return f"{spec}: {got}, want {(verdict, code)}: {slot['message']}"
    attempt = rig.rest(f"/attempts/{slot['attempt']}")
    if (attempt["verdict"], attempt["code"], attempt["refused"]) != (verdict, code, False):
        return f"{spec}: its attempt says {attempt['verdict']} {attempt['code']} {attempt['refused']}"
    fault = next(f for f in rig.control("state")["faults"] if f["spec"] == f"camera={slot['slot']} {spec}")
    if not fault["fired"]:
        return f"{spec}: never happened"
    flash = rig.dump(slot["slot"], "ROMFS0")
    if verdict == "PASS" and flash[:len(want)] != want:
        return f"{spec}: PASS, and the flash does not hold the recipe"
    return None


def fixture(rows, used=False, **options):
    """The cameras with faults, and a good one behind them."""
    good = len(rows) + 1
    options.setdefault("return_ms", 5000)
    with Rig(cameras=good, start=False, speed="50", options=["--windows", "0.5"], **options) as rig:
        path, _, _ = rig.prepare()
        want = payload(path)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == good, "all cameras are there")
        if used:
            for camera in range(1, good + 1):
                rig.control(f"load {camera} ROMFS0 {old_application(rig)}")
        for camera, (spec, _, _) in enumerate(rows, 1):
            rig.control(f"fault camera={camera} {spec}")
        for camera in range(1, good + 1):
            rig.control(f"power-cycle {camera} hold")
        slots = {n: rig.wait_slot(n, RESTING) for n in range(1, good + 1)}
        wrong = [judge(rig, slots[n], *row, want) for n, row in enumerate(rows, 1)]
        wrong = [w for w in wrong if w]
        if wrong:
            raise AssertionError("\n".join(wrong))
        equal((slots[good]["verdict"], slots[good]["code"]), ("PASS", "ok"), "the good camera")
        equal(rig.dump(good, "ROMFS0")[:len(want)], want, "its flash")


@test
def unplugged_at_every_step():
    """unplugged or cut at every step up to the read-back: usb-gone"""
    fixture(GONE)


@test
def leaving_and_coming_back():
    """what goes wrong when a camera leaves or comes back: no-return, wrong-path, left-early"""
    fixture(RESTART)


@test
def once_is_nothing():
    """what happens once is tried again: PASS, and the flash holds the recipe"""
    fixture(ONCE)


@test
def broken_protocol():
    """answers that make no sense, for good: usb-protocol; no permission, another program: usb-denied, usb-busy"""
    fixture(PROTOCOL)


@test
def silence():
    """no answer for good: usb-timeout; once: PASS"""
    fixture(SILENT)


@test
def bad_flash():
    """flash that does not hold what it is told: flash-mismatch; that says so: flash-error"""
    fixture(FLASH, used=True)


@test
def two_units_fail_once_each():
    """two units that fail once each are no bad flash: PASS"""
    with Rig(start=False, speed="50") as rig:
        path, _, _ = rig.prepare()
        rig.start(mode="run")
        for block in (17, 33):
            rig.control(f"fault camera=1 at=program partition=ROMFS0 block={block} do=status:errPROG")
        rig.control("power-cycle 1 hold")
        slot = rig.wait_slot(1, RESTING)
        equal((slot["verdict"], slot["code"]), ("PASS", "ok"), slot["message"])
        equal(rig.camera(1)["fired"], 2, "faults")


@test
def dead_hub():
    """a whole hub that goes while its camera restarts is no bad camera: usb-gone"""
    with Rig(start=False, speed="50", return_ms=4000, cameras=9) as rig:
        rig.prepare()
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 9, "all cameras are there")
        rig.control("power-cycle 9 hold")
        rig.wait_slot(9, {"restarted"})
        rig.control("drop 2")
        slot = rig.wait_slot(9, RESTING)
        equal((slot["verdict"], slot["code"]), ("ERROR", "usb-gone"), slot["message"])


test.main()
