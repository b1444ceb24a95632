#!/usr/bin/env python3
"""Docs that follow the code: the table of states in ARCHITECTURE.md, a manual page per command.  `docs.py --write`
brings ARCHITECTURE.md up to date (make docs)."""
import fnmatch
import glob
import json
import os
import re
import subprocess
import sys

from harness import BUILD, CTL, Tests, equal

MARKS = "<!-- states: written by `make docs` from stationd --dump-states -->", "<!-- end of states -->"
test = Tests()


def states():
    out = subprocess.run([f"{BUILD}/stationd", "--dump-states"], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^# (\S+) \((busy|resting)\): (.*)$", out, re.M)
    moves = re.findall(r"^([a-z-]+) ([a-z-]+) ([a-z-]+)$", out, re.M)
    text = "| state | | what is guaranteed; what runs | leads to |\n|---|---|---|---|\n"
    for state, kind, what in rows:
        to = ", ".join(f"{event} → {after}" for before, event, after in moves if before == state)
        text += f"| {state} | {kind} | {what} | {to} |\n"
    return text


def split(text):
    before, rest = text.split(MARKS[0])
    table, after = rest.split(MARKS[1])
    return before, table, after


@test
def state_table():
    """the table of states in ARCHITECTURE.md is the one that the daemon runs"""
    with open("ARCHITECTURE.md") as f:
        equal(split(f.read())[1].strip(), states().strip())


@test
def manual_pages():
    """every command of stationctl stands in a manual page, and every page has its sections"""
    pages = {}
    for path in glob.glob("station/man/*"):
        with open(path) as f:
            pages[os.path.basename(path)] = f.read().replace("\\-", "-")
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION"):
            equal(f".SH {section}" in pages[os.path.basename(path)], True, f"{path}: {section}")
    usage = subprocess.run([CTL, "--help"], capture_output=True, text=True)
    for name in sorted(set(re.findall(r"stationctl ([a-z]+) ", usage.stdout + usage.stderr))):
        equal(any(re.search(rf"\b{name}\b", text) for page, text in pages.items() if page.startswith("stationctl")), True,
              f"stationctl {name} in a manual page")
    for page in ("stationd.8", "stationctl.1", "virtual-line.1"):
        equal(page in pages, True, page)


@test
def codes_are_sentences():
    """every code has one sentence, and says what to do"""
    with open("station/base/codes.h") as f:
        text = re.sub(r"\\\n\s*", " ", f.read())
    rows = re.findall(r'X\((\w+),\s*"([a-z-]+)",\s*(\w+),\s*(\w+),\s*"([^"]*)",\s*"([^"]*)"\)', text)
    equal(len(rows) > 60, True, f"{len(rows)} codes")
    for name, code, _, _, sentence, action in rows:
        equal(name.lower().replace("_", "-"), code)
        equal(sentence.endswith(".") and action.endswith("."), True, code)


@test
def udev_rule():
    """the udev rule gives the station every board that there is, in its bootloader and in run mode"""
    with open("station/system/60-romline.rules") as f:
        rules = [dict(re.findall(r'ATTR\{(\w+)\}=="([^"]*)"', line)) for line in f if line.startswith("SUBSYSTEM")]
    for path in glob.glob("fixtures/boards/*.json"):
        with open(path) as f:
            usb = json.load(f)["usb"]
        for key in ("dfu", "run"):
            vid, pid = (usb[key] or ":").split(":")
            given = any(vid == r["idVendor"] and any(fnmatch.fnmatch(pid, p) for p in r.get("idProduct", "*").split("|"))
                        for r in rules)
            equal(given or not usb[key], True, f"{path}: {usb[key]}")


if sys.argv[1:] == ["--write"]:
    with open("ARCHITECTURE.md") as f:
        head, _, tail = split(f.read())
    with open("ARCHITECTURE.md", "w") as f:
        f.write(f"{head}{MARKS[0]}\n{states()}{MARKS[1]}{tail}")
else:
    test.main()
