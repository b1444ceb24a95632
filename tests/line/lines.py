#!/usr/bin/env python3
"""The line files of fixtures/lines: each is the virtual line's with as many cameras, and the station takes it."""
import glob
import json
import os
import re
import shutil
import subprocess

from harness import STATION_BUILD, Rig, Tests, equal, until

test = Tests()
FILES = {path: int(re.search(r"(\d+)\.json$", path)[1]) for path in sorted(glob.glob("fixtures/lines/*.json"))}


def use(rig, path):
    """The station's configuration names this line file."""
    with open(rig.config) as f:
        text = f.read()
    with open(rig.config, "w") as f:
        f.write(re.sub(r"(?m)^line = .*$", f"line = {os.path.abspath(path)}", text))


def check(rig):
    return subprocess.run([f"{STATION_BUILD}/stationd", "-c", rig.config, "--check-config"], capture_output=True, text=True)


@test
def every_file():
    """there is a line of 8, of 16 and of 64 slots; each passes --check-config and numbers the virtual line's paths"""
    equal(sorted(FILES.values()), [8, 16, 64])
    for path, count in FILES.items():
        with Rig(start=False) as rig:
            use(rig, path)
            equal(check(rig).returncode, 0, path)
        with open(path) as f:
            slots = json.load(f)["slots"]
        equal([(s["slot"], s["path"]) for s in slots],
              [(k, f"1-{(k - 1) // 8 + 1}.{(k - 1) % 8 + 1}") for k in range(1, count + 1)], path)
        places = [(s["y"], s["x"]) for s in slots]
        equal(places, sorted(set(places)), f"{path}: places from the top left, none twice")
        equal(len({s["name"] for s in slots}), count, f"{path}: names")


@test
def is_followed():
    """eight slots with names and places before the first camera; a ninth camera is an event, not a slot"""
    path = next(p for p, count in FILES.items() if count == 8)
    with open(path) as f:
        want = json.load(f)["slots"]
    with Rig(cameras=9, mode="run", start=False) as rig:
        use(rig, path)
        rig.start()
        got = rig.slots()
        equal([(s["slot"], s["name"], s["path"]) for s in got], [(s["slot"], s["name"], s["path"]) for s in want])
        equal(rig.rest("/station")["picture"], [{k: s[k] for k in ("slot", "x", "y")} for s in want])
        until(lambda: all(s["state"] == "running" for s in rig.slots()), "eight cameras run")

        def told():
            with rig.database() as db:
                return db.execute("SELECT count(*) FROM station_events WHERE path = '1-2.1' AND slot IS NULL").fetchone()[0]
        until(told, "the ninth is told of")
        equal(len(rig.slots()), 8)
    with Rig(mode="run") as rig:
        rig.wait_slot(1, {"running"})
        equal(rig.rest("/station")["picture"], [])


@test
def wrong_files():
    """a line file that breaks a rule stops the station before it starts, and says which slot"""
    rows = [("x", -1, "slot 3"), ("path", "1-1.1", "slot 3"), ("slot", 9, "slot 9"), ("name", "", "slot 3"), ("y", None, "slot 3")]
    with Rig(start=False) as rig:
        for key, value, said in rows:
            shutil.copy(next(iter(FILES)), f"{rig.work}/line.json")
            with open(f"{rig.work}/line.json") as f:
                line = json.load(f)
            line["slots"][2][key] = value
            with open(f"{rig.work}/line.json", "w") as f:
                json.dump(line, f)
            use(rig, f"{rig.work}/line.json")
            done = check(rig)
            equal((done.returncode, said in done.stderr), (1, True), f"{key}: {done.stderr}")


test.main()
