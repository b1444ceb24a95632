#!/usr/bin/env python3
"""Runs inside a virtual line: dfu-util -D then -U for each camera, all together or one after the other.

    dfu_util.py IMAGE VID:PID CAMERAS together|one     prints {"wall":s, "cpu":s, "each":[s, ...]}

CPU is dfu-util's own, by wait4; what it read back is compared after the clock has stopped."""
import json
import os
import subprocess
import sys
import tempfile
import time


def start(image, ids, path, back):
    size = os.path.getsize(image)
    common = ["dfu-util", "-d", f",{ids}", "-p", path, "-a", "ROMFS0"]
    script = 'set -e; "$@" -D "$I" >/dev/null 2>&1; "$@" -Z "$Z" -U "$B" >/dev/null 2>&1'
    return subprocess.Popen(["sh", "-c", script, "sh", *common],
                            env={**os.environ, "I": image, "Z": str(size), "B": back})


def wait(child):
    pid, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, child.returncode


def main():
    image, ids, cameras, how = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    with tempfile.TemporaryDirectory(dir=os.path.dirname(image)) as work:
        jobs = [(f"1-{n // 8 + 1}.{n % 8 + 1}", f"{work}/{n}") for n in range(cameras)]
        began, used, each, results = time.monotonic(), 0.0, [], []
        if how == "together":
            children = [start(image, ids, path, back) for path, back in jobs]
            for child in children:
                seconds, code = wait(child)
                used += seconds
                results.append(code)
                each.append(time.monotonic() - began)
        else:
            for path, back in jobs:
                one = time.monotonic()
                seconds, code = wait(start(image, ids, path, back))
                used += seconds
                results.append(code)
                each.append(time.monotonic() - one)
        wall = time.monotonic() - began
        with open(image, "rb") as f:
            want = f.read()
        for (path, back), code in zip(jobs, results):
            with open(back, "rb") as f:
                if code or f.read()[:len(want)] != want:
                    sys.exit(f"dfu-util on {path} did not do it: {code}")
    print(json.dumps({"wall": wall, "cpu": used, "each": each}))


main()
