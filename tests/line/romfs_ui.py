#!/usr/bin/env python3
"""stationctl romfs edit, driven through a pseudo-terminal: keys go in, a terminal emulator keeps the screen that is read."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import romfs_images as images

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian has pyte, whichever python runs this
import pyte  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
CTL = os.path.join(BUILD, "stationctl")
DEADLINE_S = 30
UP, DOWN, RIGHT, LEFT, ESC, BACK = "\x1bOA", "\x1bOB", "\x1bOC", "\x1bOD", "\x1b", "\x7f"
results = []


def check(name, ok, why=""):
    results.append(ok)
    print(("ok" if ok else "not ok"), len(results), "-", name, flush=True)
    if not ok and why:
        print("#", str(why).replace("\n", "\n# "), flush=True)


class Terminal:
    def __init__(self, *args, lines=24, columns=80, env=None):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.status, self.raw = None, b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(CTL, [CTL, "romfs", "edit", *args], {**os.environ, "TERM": "xterm", "LC_ALL": "C", **(env or {})})

    def read(self, seconds):
        if self.status is None and select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.raw += data
            self.stream.feed(data)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, condition, name):
        until = time.monotonic() + DEADLINE_S
        while not condition() and time.monotonic() < until and self.status is None:
            self.read(0.2)
        check(name, condition(), self.text())

    def shows(self, words, name):
        self.wait(lambda: words in self.text(), name)

    def hides(self, words, name):
        self.wait(lambda: words not in self.text(), name)

    def keys(self, keys):
        os.write(self.fd, keys.encode())

    def ends(self, status, name):
        until = time.monotonic() + DEADLINE_S
        while self.status is None and time.monotonic() < until:
            self.read(0.2)
        check(name, self.status == status, (self.status, self.text()))
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)

    def resize(self, lines, columns):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def load(path):
    with open(path, "rb") as f:
        return f.read()


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def tree(path):
    return {p: c for p, (_, c) in images.read(load(path))[0].items()}


def test_verbs(tmp):
    image = f"{tmp}/app.img"
    put(image, images.plain({"lib": None, "lib/a.py": b"a", "lib/ünï.txt": b"u", "main.py": b"m" * 300, "zz\x1b[2J": b"z"}))
    put(f"{tmp}/new.py", b"new")
    t = Terminal("-b", "openmv-m4", image)
    t.shows("+ lib/", "the tree, directories closed")
    t.shows("% of ROMFS0", "how full the partition is")
    t.wait(lambda: any("main.py" in line and "300" in line for line in t.screen.display), "a file's facts")
    t.shows("zz?[2J", "an odd name is shown")
    check("and cannot drive the terminal", b"zz\x1b" not in t.raw, t.raw)
    t.keys("\r")
    t.shows("- lib/", "Enter opens")
    t.shows("ünï.txt", "names are shown as they are")
    t.keys("a" + f"{tmp}/nex" + BACK + "w.py\r")
    t.shows("new.py", "a adds into the open directory")
    t.shows("[modified]", "and marks the image")
    t.keys("mdeep\r")
    t.shows("+ deep/", "m makes a directory")
    t.keys(DOWN + "n" + BACK * 4 + "b.py\r")
    t.shows("b.py", "n renames")
    t.wait(lambda: not any(line.strip().startswith("a.py") for line in t.screen.display), "the old name is gone")
    t.keys("mmain.py\r" + LEFT + "m/main.py\r")
    t.shows("conflict", "a refusal is told on its line")
    t.keys("a" + f"{tmp}/none\r")
    t.shows("file-failed", "and so is a file that is not there")
    t.keys("q")
    t.shows("not saved; quit all the same?", "q asks")
    t.keys("n")
    t.hides("not saved; quit", "n goes on")
    t.keys("s")
    t.shows("saved:", "s saves")
    t.hides("[modified]", "and takes the mark away")
    want = {"lib": None, "lib/b.py": b"a", "lib/ünï.txt": b"u", "lib/new.py": b"new", "lib/deep": None, "main.py": b"m" * 300,
            "zz\x1b[2J": b"z", "lib/main.py": None}
    check("what is on disk", tree(image) == want, tree(image))
    t.keys("\x1b[4~\x1bOF" + UP + "r" + f"{tmp}/new.py\r")
    t.shows("[modified]", "r replaces")
    t.keys("s")
    t.shows("saved:", "saved again")
    check("the replaced contents", tree(image)["main.py"] == b"new", tree(image))
    t.keys("\x1bOH" + "d")
    t.shows("remove /lib with all below?", "d asks")
    t.keys("y")
    t.hides("lib/", "and removes")
    t.keys("q")
    t.shows("not saved; quit all the same?", "q asks again")
    t.keys("y")
    t.ends(0, "y quits")
    check("what was not saved is not on disk", "lib" in tree(image))


def test_limits(tmp):
    image = f"{tmp}/small.img"
    subprocess.run([CTL, "romfs", "new", image], check=True, stdout=subprocess.DEVNULL)
    before = load(image)
    t = Terminal(image, lines=7, columns=40)
    t.ends(2, "a tiny terminal is refused")
    check("and says what is needed", "60 and 8" in t.raw.decode() or "60 columns" in t.raw.decode() or b"are needed" in t.raw, t.raw)
    t = Terminal(image, env={"TERM": "nothing-known"})
    t.ends(2, "an unknown terminal is refused")
    put(f"{tmp}/big", bytes(200000))
    t = Terminal("-b", "openmv-m4", image)
    t.shows("(nothing in the image)", "an empty image")
    t.keys(UP + DOWN + "\r" + LEFT + RIGHT + "dnr" + f"a{tmp}/big\r")
    t.shows("TOO LARGE", "more than the partition: told")
    t.keys("s")
    t.shows("payload-too-big", "and not saved")
    t.resize(5, 30)
    t.shows("at least 60x8", "shrunk while it runs")
    t.resize(24, 80)
    t.shows("big", "and grown again")
    t.keys("\x03")
    t.shows("quit all the same", "Ctrl-C asks too")
    os.close(t.fd)
    os.waitpid(t.pid, 0)
    check("a terminal that goes away changes nothing", load(image) == before)
    run = subprocess.run([CTL, "romfs", "edit", image], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    check("without a terminal", run.returncode == 2 and b"needs a terminal" in run.stderr, run)


with tempfile.TemporaryDirectory() as work:
    test_verbs(work)
    test_limits(work)
print(f"1..{len(results)}")
sys.exit(not all(results))
