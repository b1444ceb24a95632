#!/usr/bin/env python3
"""Troubles that are more than one camera's: a hub that loses its power, messages that get lost, and boards that are not
what their numbers say."""
import json
import os

from fixture import HUB, RESTING, Fixture, Kitchen, board_file, until

import harness

test = harness.Tests()
kitchen = Kitchen()
equal = harness.equal


class Line(Fixture):
    def __init__(self, cameras, kind="app", board="openmv-n6", **options):
        super().__init__(kitchen, board, cameras, kind, **options)

    def begin(self, cameras):
        self.since = self.last_attempt()
        for camera in cameras:
            self.control(f"power-cycle {camera} hold")

    def results(self, cameras):
        """{camera: (verdict, code)} when all of them have ended, each once."""
        def there():
            slots = {s["path"]: s for s in self.slots()}
            mine = [slots.get(self.home[c]) for c in cameras]
            return all(s and s["state"] in RESTING and int(s["attempt"] or 0) > self.since for s in mine)
        until(there, "every attempt ends", pause_s=0.1)
        rows = {c: self.rows(self.since).get(self.home[c], []) for c in cameras}
        for camera, mine in rows.items():
            equal([a["ends"] for a in mine], [1], f"camera {camera}: rows")
        return {c: (mine[0]["verdict"], mine[0]["code"]) for c, mine in rows.items()}

    def all_fired(self, count):
        until(lambda: sum(f["fired"] for f in self.control("state")["faults"]) >= count, "the faults")

    def look_all(self, cameras):
        return {self.look(c, "ROMFS0") for c in cameras}


FIRST, SECOND = range(1, HUB + 1), range(HUB + 1, 2 * HUB + 1)


def passed(cameras):
    return {c: ("PASS", "ok") for c in cameras}


@test
def hub_in_mid_block():
    """a hub drops all eight in mid-block: eight times usb-gone, nothing mounts, and the other hub's eight pass"""
    with Line(2 * HUB) as rig:
        rig.wait_there()
        for camera in [*FIRST, *SECOND]:
            rig.load_old(camera)
        for camera in SECOND:  # all of them hang over a block; the next thing is that they are gone
            rig.control(f"fault camera={camera} at=program partition=ROMFS0 block={14 + camera} do=silent")
        rig.begin([*FIRST, *SECOND])
        rig.all_fired(HUB)
        rig.control("drop 2")
        equal(rig.results(SECOND), {c: ("ERROR", "usb-gone") for c in SECOND})
        equal(rig.results(FIRST), passed(FIRST))
        equal((rig.look_all(FIRST), rig.look_all(SECOND)), ({"recipe"}, {"none"}), "flash")
        rig.control("restore 2")
        rig.wait_there()
        rig.begin(SECOND)
        equal(rig.results(SECOND), passed(SECOND))
        equal(rig.look_all(SECOND), {"recipe"}, "flash")


@test
def hub_over_a_restart():
    """a hub that goes while its cameras restart makes no bad cameras: usb-gone"""
    with Line(2 * HUB) as rig:
        rig.wait_there()
        for camera in SECOND:
            rig.control(f"fault camera={camera} at=leave do=no-return")
        rig.begin([*FIRST, *SECOND])
        rig.all_fired(HUB)
        rig.control("drop 2")
        equal(rig.results(SECOND), {c: ("ERROR", "usb-gone") for c in SECOND})
        equal(rig.results(FIRST), passed(FIRST))


@test
def lost_messages():
    """no message of what comes and goes arrives any more: the station finds all eight, and sees each come back"""
    with Line(HUB) as rig:
        rig.wait_there()
        rig.control("events off")
        rig.begin(FIRST)
        equal(rig.results(FIRST), passed(FIRST))
        equal(rig.look_all(FIRST), {"recipe"}, "flash")


@test
def lost_departures():
    """the message that a camera left in mid-write is lost: usb-gone, and its return is seen"""
    with Line(HUB) as rig:
        rig.wait_there()
        rig.control("events off")
        rig.control("fault camera=3 at=program partition=ROMFS0 nth=9 do=unplug")
        rig.begin(FIRST)
        others = [c for c in FIRST if c != 3]
        equal(rig.results(FIRST), {3: ("ERROR", "usb-gone"), **passed(others)})
        rig.begin([3])
        equal(rig.results([3]), passed([3]))


def impostor(change, made_of="openmv-n6"):
    """A folder of board files with one that shows the numbers of openmv-n6 and is something else."""
    folder = os.path.join(kitchen.work, f"boards-{change.__name__}")
    os.mkdir(folder)
    for name in ("openmv-n6", "impostor"):
        board = board_file(made_of if name == "impostor" else name)
        board["usb"]["dfu"] = board_file("openmv-n6")["usb"]["dfu"]
        if name == "impostor":
            board["id"] = name
            change(board)
        with open(os.path.join(folder, f"{name}.json"), "w") as f:
            json.dump(board, f)
    return folder


def beside_an_impostor(change, want, flash, **options):
    """Camera 8 is not what its numbers say; the seven before it pass."""
    boards = ",".join(["openmv-n6"] * 7 + ["impostor"])
    with Line(HUB, board=boards, options=["--boards", impostor(change, **options)]) as rig:
        rig.wait_there()
        before = rig.dump(8, "ROMFS0")
        rig.begin(FIRST)
        equal(rig.results(FIRST), {**passed(range(1, 8)), 8: want})
        equal(rig.dump(8, "ROMFS0") == before, flash == "old", "its flash is as it was")


@test
def other_partitions():
    """another board under the right VID:PID, with other partitions: refused, nothing erased, seven pass"""
    def as_h7_plus(board):
        board["usb"]["run"] = "37c5:1204"
    beside_an_impostor(as_h7_plus, ("ERROR", "wrong-board"), "old", made_of="openmv-h7-plus")


@test
def other_sizes():
    """another board under the right VID:PID, with the right names and a smaller ROMFS: refused, nothing erased"""
    def smaller(board):
        romfs = next(p for p in board["partitions"] if p["name"] == "ROMFS0")
        romfs["size"] //= 2
        romfs["erase"] = [[65536, romfs["size"] // 65536]]
    beside_an_impostor(smaller, ("ERROR", "wrong-board"), "old")


@test
def other_firmware():
    """it takes everything and comes back as another board: wrong-firmware"""
    def runs_as_another(board):
        board["usb"]["run"] = "37c5:1204"
    beside_an_impostor(runs_as_another, ("FAIL", "wrong-firmware"), "new")


try:
    test.main()
finally:
    kitchen.close()
