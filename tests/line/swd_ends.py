#!/usr/bin/env python3
"""Ends in the middle of work over SWD: the station is killed, and its disk takes nothing more, at every step of an attempt in
a nest.  No row is lost, nothing is green that is not on disk, no OpenOCD is left over, and afterwards all goes on."""
import errno
import json
import os

from disk import Trouble, held, intact, one_end_each, passed_on_disk
from harness import RESTING, Tests, equal, payload, until
from middleman import Middlemen
from nest_rig import NEST_PORT, MixedRig, left_behind

test = Tests()
FILES = {"main.py": b"print(1)\n" * 40, "data.bin": os.urandom(150000)}
OPENMV_H7_PLUS = {"buffers": 0x24000000, "mapped": 0x91800000}
# What OpenOCD is asked for when it happens, the state that the slot is in, and whether a row of the attempt is on disk.
PLACES = [("read", "plugged", False), ("bootloader", "identified", False), ("table", "admitted", True), ("buffer", "compared", True),
          ("dump", "written", True), ("mount", "read-back", True), ("leave", "proved", True), ("halt", "restarted", True)]


class Nest(MixedRig):
    """Camera 1 in a nest, camera 2 on USB beside it; both have passed."""

    def __init__(self, trouble=False, **options):
        super().__init__(nests={1}, usb=False, program="already_passed = allow\nhold_after = 0",
                         options=["--windows", "0.1", "--respawn"], speed="50", **options)
        self.trouble = Trouble(self) if trouble else None
        self.middlemen = Middlemen(self)
        path, _, _ = self.prepare(files=FILES)
        self.want = payload(path)
        self.start(mode="hold")
        for number in (1, 2):
            equal(self.wait_slot(number, RESTING)["state"], "passed", f"camera {number} at first")

    def order(self, call, deed):
        """The camera leaves its nest, loses what it holds, and is to have this when it is put back."""
        self.control("unplug 1")
        until(lambda: not self.slots()[0]["camera"], "the nest is empty")
        self.control(f"load 1 ROMFS0 {self.blank()}")
        trouble = self.trouble and [self.trouble.path, f"write {errno.ENOSPC} /state/\n"]
        self.middlemen.order(NEST_PORT, [f"at=openocd call={call} do={deed}"],
                             {"camera": 1, "control": self.control_path, "disk": trouble, **OPENMV_H7_PLUS})
        self.before = self.newest()
        self.control("plug 1 hold")

    def newest(self):
        with self.database() as db:
            return db.execute("SELECT max(seq) FROM journal").fetchone()[0]

    def blank(self):
        path = os.path.join(self.work, "blank")
        with open(path, "wb") as f:
            f.write(b"\xff" * len(self.want))
        return path

    def passes_now(self, what):
        def there():
            slot = self.slots()[0]
            return slot if slot["state"] in RESTING and int(slot["attempt"] or 0) > self.before else None
        slot = until(there, f"{what}: another attempt ends")
        equal((slot["state"], slot["code"], passed_on_disk(self, slot["attempt"])), ("passed", "ok", True), f"{what}: {slot}")
        equal(self.dump(1, "ROMFS0")[:len(self.want)], self.want, f"{what}: flash")
        self.nobody_left(what)

    def nobody_left(self, what):
        equal(left_behind(self), {}, f"{what}: left behind")


@test
def killed_at_every_step():
    """kill -9 at each step over SWD: station-stopped where a row was on disk, no OpenOCD outlives it, and it passes after that"""
    with Nest() as rig:
        for call, state, on_disk in PLACES:
            os.unlink(f"{rig.state}/http.address")
            rig.order(call, "kill-station")
            until(lambda: os.path.exists(f"{rig.state}/http.address"), f"{call}: the station is back")
            rig.find_url()
            equal(rig.middlemen.fired(NEST_PORT), {f"at=openocd call={call} do=kill-station": 1})
            if on_disk:
                slot = rig.wait_slot(1, RESTING)
                equal((slot["state"], slot["code"]), ("error", "station-stopped"), f"{call}: {slot}")
                with rig.database() as db:
                    body, = db.execute("SELECT body FROM journal WHERE kind = 'attempt-ended' ORDER BY seq DESC LIMIT 1").fetchone()
                equal(json.loads(body)["code"], "station-stopped", f"{call} in {state}")
                rig.nobody_left(call)
                rig.before = rig.newest()
                until(lambda: rig.slots()[0]["camera"], f"{call}: the nest was looked at")
                rig.rest("/slots/1/retry", method="POST")
            rig.passes_now(call)
            one_end_each(rig)
            intact(rig)


@test
def full_disk_at_every_step():
    """a disk that is full from some step over SWD on: DO NOT SHIP, held, no OpenOCD left; resumed, it has its end and passes"""
    with Nest(trouble=True) as rig:
        for call, state, on_disk in PLACES:
            rig.order(call, "disk")

            def there():
                slot = rig.slots()[0]
                return slot if slot["state"] in RESTING and slot["code"] == "journal-failed" else None
            slot = until(there, f"{call}: its attempt ends")
            equal(slot["state"] in ("unrecorded", "error"), True, f"{call} in {state}: {slot}")
            equal(rig.middlemen.fired(NEST_PORT), {f"at=openocd call={call} do=disk": 1})
            held(rig)
            rig.nobody_left(call)
            rig.trouble.set()
            rig.rest("/station/resume", method="POST")
            if on_disk:
                view = rig.rest(f"/attempts/{slot['attempt']}")
                equal((view["verdict"], view["code"]), ("ERROR", "journal-failed"), call)
            one_end_each(rig)
            rig.before = rig.newest()
            rig.control("unplug 1")
            until(lambda: not rig.slots()[0]["camera"], "the nest is empty")
            rig.control("plug 1 hold")
            rig.passes_now(call)
            intact(rig)


if __name__ == "__main__":
    test.main()
