#!/usr/bin/env python3
"""The whole station with one call that fails, once or from then on, while it works on a camera: the N-th allocation, file
operation, SQLite call, libusb call or thread.

    nth_journey.py [--stride N] [KIND...]      a sample by default; --stride 1: every call

After each run: the station lives or has ended with a refusal in words, never by a signal; a PASS is on disk and true; the
journal verifies; a healthy station over the same state goes on and ends what was left."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

from harness import BUILD, RESTING, STATION_BUILD, Rig, Refused, equal, payload

SHIM = os.path.abspath(f"{BUILD}/tests/nth.so")
KINDS = {"alloc": 3, "file": 2, "sql": 2, "usb": 2, "thread": 1}  # runs of each kind, once and for ever, in a sample
REST_S, REST_FOREVER_S = 20, 6  # how long is watched; a station whose every call fails may get nowhere
STATUSES = (0, 1)


class Journey(Rig):
    """One camera; the station is preloaded with the shim."""

    def __init__(self, fail):
        super().__init__("openmv-h7", cameras=1, mode="hold", start=False, speed="instant", 
                         options=["--windows", "0.2"], return_ms=8000, log="info")
        os.mkdir(os.path.join(self.work, "flash"))
        self.options += ["--flash", os.path.join(self.work, "flash")]  # what a camera holds outlives the line
        self.report = os.path.join(self.work, "report")
        self.fail = fail

    def arm(self):
        sanitized = [f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0",
                     f"LSAN_OPTIONS=suppressions={os.path.abspath('tests/lsan-nth.supp')}:print_suppressions=0"]
        self.wrap = ["env", *(sanitized if STATION_BUILD != BUILD else []), f"NTH_FAIL={self.fail}",
                     f"NTH_REPORT={self.report}", "NTH_PROGRAM=stationd", f"LD_PRELOAD={SHIM}"]

    def said(self):
        try:
            with open(self.report) as f:
                return dict(line.split(None, 1) for line in f.read().splitlines())
        except FileNotFoundError:
            return {}

    def text(self):
        with open(os.path.join(self.work, "log"), errors="replace") as f:
            return f.read()


def work(rig, seconds):
    """Lets the station work until the camera rests or the station has ended; None when it never listened."""
    try:
        rig.start()
    except AssertionError:
        return None
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and rig.process.poll() is None:
        try:
            slots = rig.slots()
            if slots and all(s["state"] in RESTING for s in slots):
                return slots
        except (OSError, Refused, ValueError):
            pass  # an answer that failed is a failure of that request
        time.sleep(0.05)
    return [] if rig.process.poll() is None else None


def true_pass(rig, want):
    """Who is PASS on disk holds the recipe."""
    with rig.database() as db:
        passed = db.execute("SELECT count(*) FROM attempts WHERE verdict = 'PASS'").fetchone()[0]
    if passed:
        equal(rig.dump(1, "ROMFS0")[:len(want)] == want, True, "a false PASS")
    return passed


def one(fail, prepared, want):
    """(what failed first, calls counted); an AssertionError when the station did not bear it."""
    with Journey(fail) as rig:
        for name in ("state", "trust"):
            shutil.rmtree(os.path.join(rig.work, name), ignore_errors=True)
            shutil.copytree(os.path.join(prepared, name), os.path.join(rig.work, name))
        shutil.copy(os.path.join(prepared, "checkpoints"), rig.work)
        rig.arm()
        slots = work(rig, REST_FOREVER_S if fail.endswith("forever") else REST_S)
        lit = [s for s in slots or [] if s["state"] == "passed"]
        if rig.process and rig.process.poll() is None:
            if lit:
                equal(true_pass(rig, want) > 0, True, "green, and not on disk")
            else:
                true_pass(rig, want)
        status = rig.stop()
        said, log = rig.said(), rig.text()
        if status not in STATUSES:
            raise AssertionError(f"{said}: the station ended with {status}: {log[-1500:]}")
        if status == 1 and not re.search(r"^stationd: [a-z-]+: [^\n]+; [^\n]+$", log, re.M):
            raise AssertionError(f"{said}: ended without a refusal: {log[-1500:]}")
        rig.verify()
        if said.get("fired"):  # afterwards, in good health
            rig.wrap = ()
            rig.start()
            slots = rig.wait_rest()
            equal([s["state"] in ("passed", "error", "refused", "failed") for s in slots], [True], f"{said}: {slots}")
            true_pass(rig, want)
            with rig.database() as db:
                equal(db.execute("SELECT count(*) FROM attempts WHERE verdict IS NULL").fetchone(), (0,), "without end")
        return said.get("fired"), int(said.get("count", 0))


def prepare(folder):
    """A state with a recipe and an open batch; the recipe's payload."""
    with Rig("openmv-h7", cameras=1, mode="hold", start=False) as rig:
        path, _, _ = rig.prepare(files={"main.py": b"print('hello')\n" * 40, "data.bin": bytes(range(256)) * 20})
        for name in ("state", "trust"):
            shutil.copytree(os.path.join(rig.work, name), os.path.join(folder, name))
        shutil.copy(os.path.join(rig.work, "checkpoints"), folder)
        return payload(path)


def numbers(kind, last, stride):
    if stride:
        return range(1, last + 1, stride)
    step = max(1, last // KINDS[kind])
    return range(1 + zlib.crc32(kind.encode()) % step, last + 1, step)


def loop(kind, prepared, want, stride):
    fired, last = one(f"{kind}:0", prepared, want)
    equal(fired, None, "counting only")
    runs, bad = 0, []
    for n in numbers(kind, last, stride):
        for how in ("", ":forever"):
            runs += 1
            try:
                one(f"{kind}:{n}{how}", prepared, want)
            except (AssertionError, OSError, subprocess.SubprocessError) as why:
                bad.append(f"{kind}:{n}{how}: {why}")
                print(f"# {bad[-1][:300]}", flush=True)
    return runs, last, bad


def main():
    words, stride = sys.argv[1:], 0
    if words[:1] == ["--stride"]:
        stride, words = int(words[1]), words[2:]
    kinds = words or list(KINDS)
    folder = tempfile.mkdtemp(prefix="romline-nth-")
    failed = 0
    try:
        want = prepare(folder)
        print(f"1..{len(kinds)}", flush=True)
        for number, kind in enumerate(kinds, 1):
            runs, last, bad = loop(kind, folder, want, stride)
            failed += bool(bad)
            print(f"{'not ok' if bad else 'ok'} {number} - one of {last} calls of the kind {kind} fails: {runs} runs", flush=True)
            for why in bad:
                print("".join(f"# {line}\n" for line in why.splitlines()), end="", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bool(failed))


main()
