#!/usr/bin/env python3
"""Faults of cameras behind debug probes: probe.tsv says what becomes of each, to the code.

    probe.py [--measure]

Every row has a nest of its own on a virtual line; so many work at once that two processors can emulate them, and each is the
others' neighbour.  Columns:

    fault           SPECs without camera=, joined by " + "
    verdict, code   of the attempt
    retries         within the attempt
    flash           what ROMFS0 holds then: recipe, or other; "-": whichever, as the cut fell
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "line"))
from harness import Tests, equal, payload, until  # noqa: E402
from nest_rig import MixedRig  # noqa: E402

COLUMNS = ("fault", "verdict", "code", "retries", "flash")
AT_A_TIME = 7
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.tsv")
FILES = {"main.py": b"print(1)\n", "data.bin": bytes(range(256)) * 1200, "model.bin": b"\x5a\xa5" * 40000}


def read_table():
    with open(TABLE) as f:
        lines = f.read().splitlines()
    equal(tuple(lines[0].split("\t")), COLUMNS, "columns of probe.tsv")
    return [dict(zip(COLUMNS, line.split("\t"))) for line in lines[1:]]


def measure(rows):
    with MixedRig(nests=set(range(1, len(rows) + 1)), cameras=len(rows), usb=False, speed="instant",
                  program="hold_after = 0") as rig:
        faults = os.path.join(rig.work, "faults")
        with open(faults, "w") as f:
            f.writelines(f"camera={n} {spec}\n" for n, row in enumerate(rows, 1) for spec in row["fault"].split(" + "))
        path, _, _ = rig.prepare(files=FILES)
        want = payload(path)
        rig.start(mode="hold", options=["--faults", faults])
        until(lambda: all(s["verdict"] for s in rig.slots()), "every nest has a verdict", 240)
        found = []
        for slot in rig.slots():
            attempt = rig.rest(f"/attempts/{slot['attempt']}")
            found.append({"fault": rows[slot["slot"] - 1]["fault"], "verdict": attempt["verdict"], "code": attempt["code"],
                          "retries": str(attempt["retries"]), "flash": "recipe" if rig.dump(slot["slot"], "ROMFS0")[:len(want)] == want else "other"})
            if "--measure" in sys.argv and attempt["message"]:
                print("#", attempt["message"])
        return found


def main():
    rows = read_table()
    found = [row for at in range(0, len(rows), AT_A_TIME) for row in measure(rows[at:at + AT_A_TIME])]
    if "--measure" in sys.argv:
        for row in found:
            print("\t".join(row[c] for c in COLUMNS))
        return
    print(f"1..{len(rows)}")
    bad = 0
    for number, (row, got) in enumerate(zip(rows, found), 1):
        wrong = [f"{c}: got {got[c]}, want {row[c]}" for c in COLUMNS if got[c] != row[c] and row[c] != "-"]
        bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {row['fault']}" + "".join(f"\n# {w}" for w in wrong))
    sys.exit(bool(bad))


main()
