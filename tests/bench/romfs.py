#!/usr/bin/env python3
"""Rows about images: building and checking 16 MiB in 2000 files, beside a plain read of the same bytes and MicroPython's
own builder.  Prints rows as JSON; `rows()` gives them to whoever collects them.

MicroPython's builder is the mpremote package (ROMFS=DIR names a source tree of MicroPython instead).  Where neither is
there, its row has a figure that was once measured elsewhere, and its name says so.
"""
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
CTL = os.path.join(BUILD, "stationctl")
ROUNDS = int(os.environ.get("ROUNDS") or 5)
FILES, SIZE, FOLDERS = 2000, 8388, 40
# median of whole runs of MicroPython's romfs.py, 2 vCPU AMD EPYC, CPython 3.11, warm cache, the same tree
ELSEWHERE_S = 0.29

PEER = """import importlib.util,sys
spec=importlib.util.spec_from_file_location('romfs',sys.argv[1])
m=importlib.util.module_from_spec(spec); spec.loader.exec_module(m)
open(sys.argv[3],'wb').write(m.make_romfs(sys.argv[2],mpy_cross=None))"""


def make_tree(folder):
    for i in range(FILES):
        os.makedirs(f"{folder}/d{i % FOLDERS}", exist_ok=True)
        with open(f"{folder}/d{i % FOLDERS}/f{i}.bin", "wb") as f:
            f.write(os.urandom(SIZE))


def timed(*command):
    """Median seconds of whole processes, output thrown away."""
    taken = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def peer():
    """MicroPython's romfs.py, or None."""
    where = os.environ.get("ROMFS")
    if where:
        return os.path.join(where, "tools/mpremote/mpremote/romfs.py")
    spec = importlib.util.find_spec("mpremote")
    return os.path.join(os.path.dirname(spec.origin), "romfs.py") if spec and spec.origin else None


def row(name, ours, other, other_name, goal):
    return {"name": name, "ours": round(ours, 4), "other": round(other, 4), "other_name": other_name, "unit": "s",
            "ratio": round(ours / other, 4), "goal": goal, "holds": ours / other <= goal}


def rows():
    what = "16 MiB in 2000 files, whole process"
    with tempfile.TemporaryDirectory() as work:
        make_tree(f"{work}/tree")
        image = f"{work}/image"
        build = timed(CTL, "romfs", "build", f"{work}/tree", "-b", "openmv-n6", "-o", image)
        check = timed(CTL, "romfs", "check", "-b", "openmv-n6", image)
        read_tree = timed("sh", "-c", f"find {work}/tree -type f -print0 | xargs -0 cat > {work}/bytes && sync {work}/bytes")
        read_image = timed("cat", image)
        romfs = peer()
        if romfs:
            other, other_name = timed(sys.executable, "-c", PEER, romfs, f"{work}/tree", f"{work}/peer"), "MicroPython's romfs.py"
        else:
            other, other_name = ELSEWHERE_S, "MicroPython's romfs.py, measured elsewhere"
        return [
            row(f"romfs build, {what}", build, other, other_name, 1.0),
            row(f"romfs build, {what}", build, read_tree, "cat of the files into one, synced", 3.0),
            row(f"romfs check, {what}", check, read_image, "cat of the image", 10.0),
        ]


if __name__ == "__main__":
    print(json.dumps(rows(), indent=1))
