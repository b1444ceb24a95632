"""Images: building and checking 16 MiB in 2000 files, beside a plain read of the same bytes, and beside mpremote where it
is on the machine: as a package, or in a source tree of MicroPython that MICROPYTHON=DIR names (Debian's python3-serial
and python3-platformdirs are what it needs)."""
import importlib.util
import os
import subprocess
import tempfile
import time

from bench import CTL, ROUNDS
from rows_recipe import big_tree

OTHER_DAY_MPREMOTE_S = 0.29  # `mpremote romfs build --no-mpy` of such a tree, measured once on such a machine, not here


def mpremote():
    """Its first words; None where it is not to be had."""
    top = os.environ.get("MICROPYTHON")
    if top:
        return ["env", f"PYTHONPATH={top}/tools/mpremote", "/usr/bin/python3", "-m", "mpremote"]
    return ["python3", "-m", "mpremote"] if importlib.util.find_spec("mpremote") else None


def in_turns(commands):
    """Seconds of whole processes: each command once per round, so that a busy moment hits all of them."""
    taken = [[] for _ in commands]
    for _ in range(3 * ROUNDS):
        for samples, command in zip(taken, commands):
            began = time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            samples.append(time.monotonic() - began)
    return taken


def images(bench):
    with tempfile.TemporaryDirectory(dir="build") as work:
        big_tree(f"{work}/tree")
        theirs = mpremote()
        # the files' bytes into one file that is on disk afterwards: what no builder can do without
        plain = f"find {work}/tree -type f -print0 | xargs -0 cat > {work}/bytes && sync {work}/bytes {work}"
        commands = [[CTL, "romfs", "build", f"{work}/tree", "-b", "openmv-n6", "-o", f"{work}/image"],
                    ["sh", "-c", plain],
                    [CTL, "romfs", "check", "-b", "openmv-n6", f"{work}/image"],
                    ["sh", "-c", f"find {work}/tree -type f -print0 | xargs -0 cat"]]
        if theirs:
            commands.append([*theirs, "romfs", "--no-mpy", "-o", f"{work}/peer", "build", f"{work}/tree"])
        build, copy, check, read, *other = in_turns(commands)
        what = "16 MiB, 2000 files, whole process"
        bench.row(f"romfs build, {what} to a synced file", build, copy, "the files through cat, synced", "s", 1.5)
        taken, name = (other[0], "mpremote romfs build, not synced") if other \
            else ([OTHER_DAY_MPREMOTE_S], "mpremote (a figure of another day)")
        bench.row(f"romfs build, {what}", build, taken, name, "s", 3, "faster")
        bench.row(f"romfs check, {what}", check, read, "the files through cat", "s", 1.5)


ROWS = [("romfs", images)]
