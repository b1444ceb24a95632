#!/usr/bin/env python3
"""stationctl line teach: the order in which a person plugs is the order of the slots."""
import json
import os
import re
import subprocess

from harness import CTL, Rig, Tests, equal, until

test = Tests()


@test
def order_of_plugging():
    """three cameras plugged in the order 3, 1, 2 become the slots 1, 2, 3, and the station keeps to that"""
    with Rig(cameras=3, mode="run") as rig:
        rig.wait_slot(3, {"running"})
        for camera in (1, 2, 3):
            rig.control(f"unplug {camera}")
        until(lambda: all(s["state"] == "empty" for s in rig.slots()), "all slots are empty")
        out = os.path.join(rig.work, "line.json")
        with subprocess.Popen([CTL, "line", "teach", "-o", out, "--slots", "3", "--url", rig.url], text=True,
                              stdout=subprocess.PIPE) as teach:
            equal(teach.stdout.readline().startswith("plug one camera"), True)
            for number, camera in enumerate((3, 1, 2), 1):
                rig.control(f"plug {camera}")
                equal(teach.stdout.readline().strip(), f"slot {number} is 1-1.{camera}")
            teach.stdout.read()
            equal(teach.wait(), 0)
        with open(out) as f:
            equal([(s["slot"], s["path"]) for s in json.load(f)["slots"]], [(1, "1-1.3"), (2, "1-1.1"), (3, "1-1.2")])
    with Rig(cameras=3, mode="run", start=False) as rig:
        with open(os.path.join(rig.work, "line.json"), "w") as f:
            json.dump({"slots": [{"slot": i, "name": f"place {i}", "path": f"1-1.{c}"}
                                 for i, c in enumerate((3, 1, 2), 1)]}, f)
        with open(rig.config) as f:
            text = f.read()
        with open(rig.config, "w") as f:
            f.write(re.sub(r"(?m)^line = .*$", f"line = {rig.work}/line.json", text))
        rig.start()
        rig.wait_slot(3, {"running"})
        equal([s["path"] for s in rig.slots()], ["1-1.3", "1-1.1", "1-1.2"])


@test
def usage():
    """without a file it is a usage error, without a station daemon-unreachable"""
    equal(subprocess.run([CTL, "line", "teach"], capture_output=True).returncode, 2)
    equal(subprocess.run([CTL, "line", "teach", "-o", "/dev/null/x", "--slots", "0"], capture_output=True).returncode, 2)
    done = subprocess.run([CTL, "line", "teach", "-o", "/tmp/x", "--slots", "1", "--url", "http://127.0.0.1:1"],
                          capture_output=True, text=True)
    equal((done.returncode, "daemon-unreachable" in done.stderr), (1, True))


test.main()
