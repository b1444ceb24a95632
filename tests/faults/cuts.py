#!/usr/bin/env python3
"""The power or the cable cut after every DFU block, and in the middle of each: what stands in the flash then, and that
the next attempt compares nothing and passes.

Half of the cameras of a fixture are cut, each at another place; the other half passes beside them.  What may stand
there, by the kind of region:

    commit    several units, image with a commit unit: the old application, nothing, or the whole new one (padding
              aside: on MRAM the commit unit is programmed word by word, and its first word says it all)
    plain     several units, image without: as above; while unit 0 is written something may mount that is not whole
    small     one unit: the same for all of it
    firmware  the camera parks in its bootloader until the last unit 0, the main core's, is written; while that is
              written it may start too early (but everything else is whole by then)"""
import concurrent.futures
import sys

from fixture import KINDS, RESTING, Fixture, Kitchen, unit0, until

CASES = [("openmv-n6", "app"), ("openmv-h7-plus", "firmware"), ("openmv-ae3", "cores"), ("openmv-n6", "plain"),
         ("openmv-ae3", "mram"), ("openmv-ae3", "mram-plain"), ("openmv-h7", "small"), ("openmv-m7", "small"),
         ("openmv-pure-thermal", "app"), ("arduino-portenta-h7", "firmware")]
CAMERAS = 64
AT_A_TIME = 3
PLACES = ["at=dnload nth={} do=power-cut", "at=dnload nth={} do=unplug", "at=program nth={} do=power-cut"]


def blocks_of_unit0(board, partition, image):
    """How many of the last DNLOADs of a region are its unit 0's: blank blocks behind the first are left out where an
    erase has made them blank."""
    size = min(unit0(board, partition), len(image))
    blocks = [image[at:min(at + 4096, size)] for at in range(0, size, 4096)]
    return 1 + sum(block.count(0xff) != len(block) for block in blocks[1:])


class Case:
    """One board and recipe."""

    def __init__(self, rig, board, kind):
        self.rig, self.board, self.kind = rig, board, kind
        self.want = rig.want[board]
        self.main = next((p for p in self.want if KINDS[kind][p][0] == "firmware"), None)
        self.total = 0

    def ended(self, cameras, since):
        def there():
            slots = {s["path"]: s for s in self.rig.slots()}
            mine = [slots.get(self.rig.home[c]) for c in cameras]
            return all(s and s["state"] in RESTING and int(s["attempt"] or 0) > since for s in mine)
        until(there, "every attempt ends", pause_s=0.1)
        return {c: self.rig.rows(since).get(self.rig.home[c], []) for c in cameras}

    def attempt(self, cameras, modes=None):
        since = self.rig.last_attempt()
        for camera in cameras:
            self.rig.control(f"power-cycle {camera} {(modes or {}).get(camera, 'hold')}")
        return self.ended(cameras, since)

    def wrong_pass(self, camera, rows, compared=None):
        got = [(a.get("verdict"), a.get("code"), a["ends"]) for a in rows[camera]]
        if got != [("PASS", "ok", 1)]:
            return f"{got}"
        steps = {s["step"]: s for s in rows[camera][0]["steps"]}
        if compared is not None and steps["compared"]["bytes"] != compared:
            return f"{steps['compared']['bytes']} bytes were compared"
        flash = {p: self.rig.look(camera, p) for p in self.want}
        return None if set(flash.values()) == {"recipe"} else f"flash {flash}"

    def count_blocks(self):
        """What an undisturbed attempt over the old contents sends."""
        self.rig.load_old(1)
        rows = self.attempt([1])
        wrong = self.wrong_pass(1, rows)
        if wrong:
            raise AssertionError(f"an undisturbed camera: {wrong}")
        return next(s["bytes"] for s in rows[1][0]["steps"] if s["step"] == "written") // 4096

    def may_stand(self, partition, done):
        """What may be found there when `done` blocks of all were written, or the next one was cut in its middle."""
        firmware = KINDS[self.kind][partition][0] == "firmware"
        last = blocks_of_unit0(self.board, partition, self.want[partition])
        if firmware:
            early = partition != self.main or done >= self.total - last
            return {"old", "parked", "recipe"} | ({"boots"} if early else set())
        one_unit = unit0(self.board, partition) >= len(self.want[partition])
        in_unit0 = done >= self.total - last or len(self.want) > 1
        loose = one_unit or (KINDS[self.kind][partition][0] == "plain" and in_unit0)
        return {"old", "none", "recipe", "whole"} | ({"wrong"} if loose else set())

    def judge_flash(self, camera, done):
        flash = {p: self.rig.look(camera, p) for p in self.want}
        for partition, found in flash.items():
            if found not in self.may_stand(partition, done):
                yield f"{partition} is {found}"
        if set(flash.values()) == {"recipe"} and done < self.total - 1:  # the last block's end may be padding
            yield "everything is there already"
        if set(flash.values()) == {"old"} and done > 1:
            yield "nothing was touched"
        rest = [flash[p] for p in self.want if p != self.main]
        if self.main and flash[self.main] in ("boots", "recipe") and set(rest) - {"recipe"}:
            yield f"it would start, and the rest is {flash}"

    def wave(self, places):
        """places: (SPEC without camera=, blocks written before it)."""
        rig = self.rig
        cut = dict(zip(range(1, CAMERAS, 2), places))
        good = list(range(2, CAMERAS + 1, 2))[:len(cut)]
        rig.control("clear")
        for camera in [*cut, *good]:
            rig.load_old(camera)
        for camera, (spec, _) in cut.items():
            rig.control(f"fault camera={camera} {spec}")
        rows = self.attempt([*cut, *good])
        fired = {f["spec"]: f["fired"] for f in rig.control("state")["faults"]}
        wrong = [f"camera {c} beside them: {w}" for c in good[:3] for w in [self.wrong_pass(c, rows)] if w]
        wrong += [f"camera {c} beside them: {rows[c]}" for c in good
                  if [(a.get("verdict"), a["ends"]) for a in rows[c]] != [("PASS", 1)]]
        for camera, (spec, done) in cut.items():
            got = [(a.get("verdict"), a.get("code"), a["ends"]) for a in rows[camera]]
            why = list(self.judge_flash(camera, done))
            if got != [("ERROR", "usb-gone", 1)]:
                why.append(f"{got}")
            if not fired[f"camera={camera} {spec}"]:
                why.append("never fired")
            wrong += [f"{spec} (block {done} of {self.total}): {w}" for w in why]
        return wrong + self.again(cut)

    def again(self, cut):
        """Power returns.  Cameras whose firmware cannot start stay in their bootloader by themselves."""
        self.rig.control("clear")
        modes = {c: "boot" for c in cut if self.main and self.rig.look(c, self.main) == "parked"}
        rows = self.attempt(list(cut), modes)
        return [f"{spec} (block {done} of {self.total}), the next attempt: {w}" for camera, (spec, done) in cut.items()
                for w in [self.wrong_pass(camera, rows, 0)] if w]

    def run(self):
        self.total = self.count_blocks()
        places = [(form.format(k), k - 1) for k in range(1, self.total + 1) for form in PLACES]
        wrong = []
        for first in range(0, len(places), CAMERAS // 2):
            wrong += self.wave(places[first:first + CAMERAS // 2])
        if wrong:
            raise AssertionError("\n".join(wrong))
        return len(places)


def run_case(kitchen, board, kind):
    with Fixture(kitchen, board, CAMERAS, kind, program="retries = 0") as rig:
        rig.wait_there()
        return Case(rig, board, kind).run()


def main():
    words = sys.argv[1:]
    cases = [c for c in CASES if not words or any(w in " ".join(c) for w in words)]
    kitchen, bad = Kitchen(), 0
    print(f"1..{len(cases)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        jobs = {pool.submit(run_case, kitchen, *case): case for case in cases}
        for number, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            title = "{} {}: cut after every block and in it".format(*jobs[job])
            try:
                print(f"ok {number} - {title}, {job.result()} places", flush=True)
            except Exception as error:  # one board must not hide the others
                bad += 1
                for line in f"{type(error).__name__}: {error}".splitlines():
                    print(f"# {line}")
                print(f"not ok {number} - {title}", flush=True)
    kitchen.close()
    sys.exit(bool(bad))


main()
