#!/usr/bin/env python3
"""The DFU transport alone while the N-th of its libusb calls fails, once and from then on: every command is right or has a
code that blames the wire or the machine, none hangs, nothing stays open, and in good health the camera can be used again.

    nth_dfu.py [--every]      a sample of the calls by default"""
import os
import sys
import tempfile
import threading

from harness import BUILD, STATION_BUILD, equal
from shim import SHIM, Board
from transport_dfu import Line, wanted

HANG_S = 120
SAMPLES = 4
# While libusb handles no events its transfers are lost; the device stays open until the process ends, by design.
EVENTS = "libusb_handle_events_timeout_completed"
BLAMED = {"usb-gone", "usb-timeout", "usb-protocol", "usb-denied", "usb-busy", "no-memory", "internal"}
BLOCKS = 8
WORK = ("open", "identify", "probe ROMFS0", f"write ROMFS0 0 {BLOCKS} 7", f"read ROMFS0 0 {BLOCKS * 4096} 7")
LEAVE = ("open", "identify", "leave")


class Driver(Line):
    """One camera; the driver is preloaded with the shim, which sleeps.  A driver that hangs is ended, which fails."""

    def __init__(self, board_path):
        sanitized = [f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"]
        super().__init__("openmv-n6", ready=False, options=["--windows", "0.2"],
                         wrap=["env", *(sanitized if STATION_BUILD != BUILD else []), f"NTH_BOARD={board_path}",
                               "NTH_PROGRAM=transport_dfu", f"LD_PRELOAD={SHIM}"])
        self.ok("arrive 5000")

    def timed(self, command):
        watchdog = threading.Timer(HANG_S, self.process.kill)
        watchdog.start()
        try:
            return self.do(command)
        finally:
            watchdog.cancel()

    def run(self, commands):
        """The answers up to the first failure; then it is closed."""
        answers = []
        for command in commands:
            answers.append(self.timed(command))
            if not answers[-1].startswith("ok"):
                break
        self.timed("close")
        return answers

    def open_files(self):
        return sorted(os.listdir(f"/proc/{self.driver_pid()}/fd"))

    def back(self, commands):
        """The camera is in its bootloader again."""
        if commands is LEAVE:
            self.control("power-cycle 1 hold")
            self.control("wait 1 boot 10000")
        self.ok("arrive 10000")


def right(answers, commands, told):
    for command, answer in zip(commands, answers):
        words = answer.split()
        if words[0] == "ok":
            if command.startswith("read"):
                equal(words[1], "same", f"{told}: {command}")
        elif words[1] not in BLAMED:
            raise AssertionError(f"{told}: {command}: {answer}")
    if len(answers) == len(commands) and answers[-1].startswith("ok") and commands is WORK:
        return
    if answers[-1].startswith("ok") and len(answers) < len(commands):
        raise AssertionError(f"{told}: {answers}")


def one(line, board, commands, n, forever):
    """The calls counted; None: transfers may be lost, this driver is of no more use."""
    told = f"usb:{n}{':forever' if forever else ''}"
    board.arm("usb", n, forever)
    try:
        answers = line.run(commands)
    finally:
        calls, fired = board.disarm()
    right(answers, commands, f"{told} {fired}")
    if forever and fired == EVENTS:
        return None
    line.back(commands)
    healthy = line.run(WORK)
    equal([a.split()[0] for a in healthy], ["ok"] * len(WORK), f"{told} {fired}: {answers}, then in good health {healthy}")
    equal(healthy[-1].split()[1], "same", f"{told} {fired}: in good health")
    equal(line.dump("ROMFS0", BLOCKS * 4096), wanted(BLOCKS * 4096, 7), f"{told}: flash")
    return calls


def drive(path, commands, jobs):
    """Does what it can of the jobs with one driver."""
    board = Board(path)
    with Driver(path) as line:
        one(line, board, commands, 0, False)
        before = line.open_files()
        while jobs:
            if one(line, board, commands, *jobs.pop(0)) is None:
                return
        equal(len(line.open_files()), len(before), f"open files, {before} before")


def loop(path, commands, every):
    board = Board(path)
    with Driver(path) as line:
        one(line, board, commands, 0, False)
        last = one(line, board, commands, 0, False)
    step = 1 if every else max(1, last // SAMPLES)
    jobs = [(n, forever) for n in sorted({1, 2, 3, last} | set(range(1, last + 1, step))) for forever in (False, True)]
    runs = len(jobs)
    while jobs:
        drive(path, commands, jobs)
    return runs, last


def main():
    every = sys.argv[1:] == ["--every"]
    bad = 0
    print("1..2", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, (title, commands) in enumerate((("identify, probe, write and read", WORK), ("leave", LEAVE)), 1):
            try:
                runs, last = loop(os.path.join(folder, "board"), commands, every)
                print(f"ok {number} - {title}: one of {last} libusb calls fails, {runs} runs", flush=True)
            except AssertionError as why:
                bad += 1
                print(f"not ok {number} - {title}\n# {why}", flush=True)
    sys.exit(bool(bad))


main()
