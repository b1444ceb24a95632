#!/usr/bin/env python3
"""Every fault at every step: expected.tsv says what becomes of the camera that has it, to the code, and that the seven
others of its hub pass undisturbed.

    table.py [--measure] [WORD...]     the rows whose line contains one of the words; --measure prints what happens

Rows of one board and recipe share a fixture of up to 64 cameras: eight hubs, on each one camera with one fault.  Then
all of them get the old contents and power again, and the next eight rows follow.  Columns:

    board, recipe   fixture.py's KINDS; the cameras hold an older application.  With swd: before the kind the first camera
                    of each hub stands in a nest with a debug probe and has the fault; so does, without a fault, the fifth
                    of the first hub; all others are programmed over DFU beside them.  swd-sampled: and swd-none: say
                    [program] swd_readback
    fault           SPECs without camera=, joined by " + "; {free} is a free port, {twin} a camera that has passed,
                    {other} one that is about to be programmed; at=openocd and at=agent are middleman.py's
    step            the step under way when it strikes
    verdict, code   of the attempt; "-" where there is none
    ends            the last step in its record: of a PASS confirmed, of what was refused at once identified
    retries         within the attempt
    rows            attempts of this unit, in the journal
    neighbours      how many others of its hub pass, each with one attempt of its own
    flash           what each partition of the recipe holds then (fixture.py's look)
"""
import concurrent.futures
import sys

from fixture import HUB, RESTING, Fixture, Kitchen, until
from table_file import COLUMNS, read_table

AT_A_TIME = 3
PATIENCE_S = 120
PAUSE_S = 0.2  # 64 slots are a long answer
DONE = RESTING | {"running"}
# Cores that two processors emulate at once: such fixtures follow one another, beside the others.
NEST_ROWS = 7


def way_of(recipe):
    """("swd", ...) and the kind, of a recipe's cell; way "": DFU."""
    way, _, kind = recipe.rpartition(":")
    return way, kind


def of_middleman(spec):
    return spec.startswith(("at=openocd", "at=agent"))


class Wave:
    """Up to eight rows at once, each on a hub of its own."""

    def __init__(self, rig, rows, number):
        self.rig, self.rows = rig, rows
        # not always the same port of a hub, but for nests
        self.faulty = {hub * HUB + (0 if rig.nests else number % HUB) + 1: row for hub, row in enumerate(rows)}

    def specs(self, camera, row):
        hub = (camera - 1) // HUB
        others = [c for c in range(hub * HUB + 1, hub * HUB + HUB + 1) if c != camera]
        filled = row["fault"].format(free=f"1-{9 + hub % 6}.{1 + hub % 8}", twin=others[0], other=others[1])
        return filled.split(" + ")

    def give_faults(self, camera, row):
        specs = self.specs(camera, row)
        for spec in specs:
            if not of_middleman(spec):
                self.rig.control(f"fault camera={camera} {spec}")
        if any(map(of_middleman, specs)):
            self.rig.order_middleman(camera, [s for s in specs if of_middleman(s)])

    def late(self, camera):
        """Does it get its power only when the others of its hub have passed?"""
        return "{twin}" in self.faulty.get(camera, {"fault": ""})["fault"]

    def wait(self, cameras, since):
        missing = {c for c in cameras if self.faulty.get(c, {"rows": "1"})["rows"] != "0"}

        def there():
            slots = {s["path"]: s for s in self.rig.slots()}
            for camera in sorted(missing):
                slot = slots.get(self.rig.home[camera])
                if slot and slot["state"] in DONE and int(slot["attempt"] or 0) > since:
                    missing.discard(camera)
            return not missing
        try:
            until(there, "every attempt ends", PATIENCE_S, PAUSE_S)
        except AssertionError:  # what is missing is said row by row
            for camera in sorted(missing):
                print(f"# camera {camera} {self.faulty.get(camera, {}).get('fault', '')}: {self.rig.slot_of(camera)}")

    def run(self):
        rig = self.rig
        rig.control("clear")
        rig.empty_nests()
        if rig.nests:
            rig.middlemen.clear()
        rig.go_home()
        for camera in range(1, rig.cameras + 1):
            rig.load_old(camera)
        for camera, row in self.faulty.items():
            self.give_faults(camera, row)
        since = rig.last_attempt()
        everyone = range(1, rig.cameras + 1)
        first = [c for c in everyone if not self.late(c)]
        rig.power(first)
        self.wait(first, since)
        second = [c for c in everyone if self.late(c)]
        rig.power(second)
        self.wait(second, since)
        return self.judge(since)

    def judge(self, since):
        rig, out = self.rig, []
        rows = rig.rows(since)
        fired = {f["spec"]: f["fired"] for f in rig.control("state")["faults"]}
        left = rig.left_behind()
        for camera, row in self.faulty.items():
            got = self.measure(camera, row, rows)
            between = rig.fired(camera)
            got["fired"] = all(between[s] if of_middleman(s) else fired[f"camera={camera} {s}"] for s in self.specs(camera, row))
            got["left"] = left
            out.append((row, got))
        return out

    def measure(self, camera, row, rows):
        rig = self.rig
        mine = rows.get(rig.home[camera], [])
        hub = (camera - 1) // HUB
        others = [c for c in range(hub * HUB + 1, hub * HUB + HUB + 1) if c != camera]
        good = sum(self.passed(c, rows) for c in others)
        # one of the good ones is looked at: the others' flash was read back by the station
        witness = others[camera % len(others)]
        board = rig.board_of(witness)
        if any(rig.look(witness, p) != "recipe" for p in rig.want[board]):
            good = -1
        nobody = {"verdict": "-", "code": "-", "steps": [], "retries": 0, "ends": 1, "message": "-", "refused": False}
        last = mine[-1] if mine else nobody
        board = rig.board_of(camera)
        return {**{c: row[c] for c in COLUMNS}, "verdict": last.get("verdict", "none yet"), "code": last.get("code", "none yet"),
                "ends": last["steps"][-1]["step"] if last["steps"] else "-",
                "retries": str(last.get("retries")), "rows": str(len(mine)), "neighbours": str(good),
                "flash": " ".join(f"{p}={rig.look(camera, p)}" for p in rig.want.get(board, ())) or "-",
                "message": last.get("message"), "once": last["ends"] == 1,
                "own": "uid-of" in row["fault"] or {a["uid"] for a in mine} <= {rig.there[camera]["uid"], None}}

    def passed(self, camera, rows):
        mine = rows.get(self.rig.home[camera], [])
        return [(a.get("verdict"), a.get("code"), a["ends"], a.get("retries")) for a in mine] == [("PASS", "ok", 1, 0)]


def waves_of(rows):
    """Rows of one board and recipe, eight at a time; what takes long together."""
    groups = {}
    for row in sorted(rows, key=lambda row: (row["code"] == "usb-timeout", "silent" in row["fault"], row["code"] == "no-return",
                                             row["verdict"] == "ERROR")):
        groups.setdefault((row["board"], row["recipe"]), []).append(row)
    return groups


def run_nests(kitchen, board, way, kind, rows):
    """One wave of rows in a fixture of its own: no row has to do with what became of another row's camera."""
    nests = {5, *range(1, len(rows) * HUB, HUB)}
    with Fixture(kitchen, board, len(rows) * HUB, kind, nests=nests,
                 program=f"swd_readback = {way.partition('-')[2] or 'full'}") as rig:
        rig.wait_there()
        return Wave(rig, rows, 0).run()


def run_group(kitchen, board, recipe, rows):
    way, kind = way_of(recipe)
    if way:
        return [result for first in range(0, len(rows), NEST_ROWS)
                for result in run_nests(kitchen, board, way, kind, rows[first:first + NEST_ROWS])]
    out = []
    hubs = min(len(rows), 8)
    with Fixture(kitchen, board, hubs * HUB, kind) as rig:
        rig.wait_there()
        for number, first in enumerate(range(0, len(rows), hubs)):
            out += Wave(rig, rows[first:first + hubs], number).run()
    return out


def complain(row, got):
    wrong = [f"{c} {got[c]}, not {row[c]}" for c in COLUMNS if got[c] != row[c]]
    if not got["fired"]:
        wrong.insert(0, "its fault never fired")
    if got["left"]:
        wrong.append(f"left behind: {got['left']}")
    if not got["once"]:
        wrong.append("its attempt did not end once")
    if not got["own"]:
        wrong.append("its attempt is in another unit's name")
    return "; ".join(wrong) + (f": {got['message']}" if wrong else "")


def main():
    measure = "--measure" in sys.argv
    rows = read_table([w for w in sys.argv[1:] if not w.startswith("--")])
    kitchen, results, number, bad = Kitchen(), {}, 0, 0
    print(f"1..{len(rows)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool, concurrent.futures.ThreadPoolExecutor(1) as nests:
        jobs = {(nests if way_of(recipe)[0] else pool).submit(run_group, kitchen, board, recipe, some): some
                for (board, recipe), some in waves_of(rows).items()}
        for job in concurrent.futures.as_completed(jobs):
            try:
                results = job.result()
            except Exception as error:  # a fixture that fell over fails all of its rows
                results = [(row, None) for row in jobs[job]]
                print(f"# {type(error).__name__}: {error}")
            for row, got in results:
                number += 1
                why = complain(row, got) if got else "its fixture failed"
                bad += bool(why)
                print(f"{'not ok' if why else 'ok'} {number} - {row['board']} {row['recipe']}: {row['fault']}"
                      f"{': ' + why if why else ''}", flush=True)
                if measure and got:
                    print("#=" + "\t".join(got[c] for c in COLUMNS) + f"\t{got['fired']}\t{got['message']}", flush=True)
    kitchen.close()
    sys.exit(bool(bad))


main()
