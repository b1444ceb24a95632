"""Images: building and checking 16 MiB in 2000 files, beside a plain read of the same bytes, and beside MicroPython's own
builder where it is on the machine: the package mpremote, or a source tree of MicroPython that MICROPYTHON=DIR names."""
import importlib.util
import os
import subprocess
import sys
import tempfile
import time

from bench import CTL, ROUNDS
from rows_recipe import HANDBOOK_MPREMOTE_S, big_tree

PEER = """import importlib.util, sys
spec = importlib.util.spec_from_file_location("romfs", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
open(sys.argv[3], "wb").write(module.make_romfs(sys.argv[2], mpy_cross=None))"""


def peer():
    """The path of MicroPython's romfs.py; None where it is not to be had."""
    top = os.environ.get("MICROPYTHON")
    if top:
        return f"{top}/tools/mpremote/mpremote/romfs.py"
    spec = importlib.util.find_spec("mpremote")
    return os.path.join(os.path.dirname(spec.origin), "romfs.py") if spec and spec.origin else None


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
        theirs = peer()
        # the files' bytes into one file that is on disk afterwards: what no builder can do without
        plain = f"find {work}/tree -type f -print0 | xargs -0 cat > {work}/bytes && sync {work}/bytes {work}"
        commands = [[CTL, "romfs", "build", f"{work}/tree", "-b", "openmv-n6", "-o", f"{work}/image"],
                    ["sh", "-c", plain],
                    [CTL, "romfs", "check", "-b", "openmv-n6", f"{work}/image"],
                    ["sh", "-c", f"find {work}/tree -type f -print0 | xargs -0 cat"]]
        if theirs:
            commands.append([sys.executable, "-c", PEER, theirs, f"{work}/tree", f"{work}/peer"])
        build, copy, check, read, *other = in_turns(commands)
        what = "16 MiB, 2000 files, whole process"
        bench.row(f"romfs build, {what} to a synced file", build, copy, "the files through cat, synced", "s", 1.5)
        if other:
            bench.row(f"romfs build, {what}", build, other[0], "MicroPython's romfs.py, not synced", "s", 1.0)
        else:
            bench.row(f"romfs build, {what}", build, [HANDBOOK_MPREMOTE_S], "MicroPython's romfs.py (handbook's figure)", "s", 1.0)
        bench.row(f"romfs check, {what}", check, read, "the files through cat", "s", 1.5)


ROWS = [("romfs", images)]
