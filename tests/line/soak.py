#!/usr/bin/env python3
"""Random faults by seed: soak.py [FIRST [COUNT]].  Whatever happens to eight cameras, no PASS is false, every slot comes
to rest, every attempt has its one end, and the journal stays whole.  Prints the seed that failed."""
import sys

from harness import Rig, equal, payload

BOARDS = ("openmv-n6", "openmv-h7-plus", "openmv-h7")


def run(seed):
    board = BOARDS[seed % len(BOARDS)]
    with Rig(board, cameras=8, mode="run", start=False, options=["--seed", str(seed)]) as rig:
        path, _, _ = rig.prepare()
        want = payload(path)
        rig.start()
        for camera in range(1, 9):
            rig.control(f"power-cycle {camera} hold")
        slots = rig.wait_rest(1)
        for slot in slots:
            equal(slot["state"] != "unrecorded", True, "unrecorded")
        for camera in rig.control("state")["cameras"]:
            mine = [s for s in slots if s["uid"] == camera["uid"] and s["verdict"] == "PASS"]
            if mine:
                equal(rig.dump(camera["camera"], "ROMFS0")[:len(want)] == want, True, f"camera {camera['camera']}: false PASS")
        with rig.database() as db:
            equal(db.execute("SELECT count(*) FROM attempts WHERE verdict IS NULL").fetchone(), (0,), "attempts without end")
        return " ".join(f"{s['slot']}:{s['verdict'] or '-'}:{s['code'] or '-'}" for s in slots)


def main():
    first = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else 20
    for seed in range(first, first + count):
        try:
            print(f"seed {seed}: {run(seed)}", flush=True)
        except Exception:
            print(f"seed {seed} FAILED; again with: tests/line/soak.py {seed} 1", flush=True)
            raise


main()
