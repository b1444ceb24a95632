#!/usr/bin/env python3
"""The camera's side of ROMFS on the cameras' cores: the vector program on the host, held against the corpus, and in
qemu-system-arm, held against the host line by line.  Also: the measured stack stays below the computed one, and a start
over hostile flash stays below its bound.  Prints TAP.  `--host`: the host's part only (for sanitized builds)."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

CORPUS = "tests/corpus/romfs"
BUILD = os.environ.get("BUILD", "build")
# machine: core, clock of its SysTick in Hz
MACHINES = {"mps2-an386": ("cortex-m4", 25_000_000), "mps2-an500": ("cortex-m7", 25_000_000),
            "mps2-an505": ("cortex-m33", 20_000_000), "mps3-an547": ("cortex-m55", 32_000_000)}
DEADLINE_S = 240
# a start's instructions per unit of VFS_BOOT_BUDGET (2^20 of them)
BUDGET = 1 << 20
INSTRUCTIONS_PER_UNIT = 12
FILE, DIRECTORY = 0x8000, 0x4000
ERRORS = {"ENOENT": -2, "EISDIR": -21, "EOPNOTSUPP": -95, "OK": 0}
tests = []


def test(function):
    tests.append(function)
    return function


def path_of(entry):
    return bytes.fromhex(entry["path_hex"]) if "path_hex" in entry else entry["path"].encode()


def escaped(path):
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in path)


def container(rows):
    """The corpus as one file, in the form that tests/firmware/main.c reads."""
    out = bytearray()
    for row in rows:
        with open(f"{CORPUS}/images/{row['name']}.img", "rb") as f:
            image = f.read()
        paths = [path_of(lookup) for lookup in row.get("lookups", [])]
        text = b"".join(len(p).to_bytes(4, "little") + p + b"\0" for p in paths)
        name = row["name"].encode()
        for number in (len(name), len(image), len(paths), len(text)):
            out += number.to_bytes(4, "little")
        out += name + b"\0" + image + text
    return bytes(out) + bytes(16)


def fields(text):
    """`size 5 open 5 crc 0badcafe` as {size: 5, ...}; a listing's names are a list."""
    words, found = text.split(" "), {}
    while words:
        key = words.pop(0)
        found[key] = words.pop(0)
        if key == "listdir":
            found["names"] = []
            while words and words[0].endswith(","):
                found["names"].append(words.pop(0)[:-1])
    return found


def images_of(report):
    """{name: (head, entries, asked)}: the report's part about the corpus."""
    images = {}
    for line in report.splitlines():
        if line.startswith("image "):
            _, name, rest = line.split(" ", 2)
            images[name] = (fields(rest), entries := {}, asked := [])
        elif line.startswith("entry "):
            _, path, rest = line.split(" ", 2)
            entries[path] = fields(rest)
        elif line.startswith("ask "):
            _, path, rest = line.split(" ", 2)
            asked.append((path, fields(rest)))
        elif line.startswith("files "):
            break
    return images


class Run:
    """What the host and the machines answered."""

    def __init__(self, folder):
        with open(f"{CORPUS}/expected.json", encoding="utf-8") as f:
            self.rows = json.load(f)
        self.folder = folder
        with open(f"{folder}/vectors", "wb") as f:
            f.write(container(self.rows))
        subprocess.run([os.path.abspath(f"{BUILD}/tests/vectors"), "vectors", "host"], cwd=folder, check=True,
                       timeout=DEADLINE_S, stdout=subprocess.DEVNULL)
        with open(f"{folder}/host", encoding="ascii") as f:
            self.host = f.read()
        self.images = images_of(self.host)
        self.machines = {}

    def machine(self, name):
        """Report and console of a machine; it runs when first asked for."""
        if name not in self.machines:
            command = ["qemu-system-arm", "-M", name, "-nodefaults", "-display", "none", "-serial", "none", "-monitor", "none",
                       "-icount", "shift=0,sleep=off", "-kernel", os.path.abspath(f"{BUILD}/firmware/vectors-{name}.elf"),
                       "-semihosting-config", f"enable=on,target=native,arg=vectors,arg=vectors,arg={name}"]
            done = subprocess.run(command, cwd=self.folder, timeout=DEADLINE_S, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
            assert done.returncode == 0, f"exit status {done.returncode}: {done.stdout[-400:]}"
            with open(f"{self.folder}/{name}", encoding="ascii") as f:
                self.machines[name] = f.read(), done.stdout
        return self.machines[name]


@test
def every_image_mounts_or_is_refused_as_the_corpus_says(run):
    assert len(run.images) == len(run.rows) == 573
    for row in run.rows:
        head = run.images[row["name"]][0]
        mounts, sound, starts = (int(head[k]) for k in ("mount", "verify", "boot"))
        if row["verdict"] == "mount_error":
            assert mounts == -19 and starts == -5 and sound, (row["name"], head)
        elif row["verdict"] == "refuse":
            assert sound and starts == -5, (row["name"], head)
        elif row["verdict"] == "accept":
            assert mounts == 0 and not sound and starts == 0, (row["name"], head)
            assert int(head["blocks"]) == row["payload_len"] and head["mounts"] == "1" and head["path"] == "4"
        assert starts == 0 or (head["mounts"] == "0" and head["path"] == "2"), (row["name"], head)


@test
def every_accepted_listing_is_the_corpus_listing(run):
    opened = 0
    for row in run.rows:
        if row["verdict"] != "accept":
            continue
        _, entries, _ = run.images[row["name"]]
        wanted = {escaped(path_of(e)): e for e in row["entries"]}
        assert set(wanted) == set(entries), row["name"]
        for path, want in wanted.items():
            got = entries[path]
            assert int(got["type"]) == (DIRECTORY if want["type"] == "dir" else FILE), (row["name"], path)
            assert int(got["size"]) == want["size"], (row["name"], path)
            if "crc" in got:
                assert got["crc"] == want["crc32"] and int(got["open"]) == want["size"], (row["name"], path)
                opened += 1
    assert opened > 1000, opened


@test
def every_lookup_has_micropythons_own_answer(run):
    count = 0
    for row in run.rows:
        _, _, asked = run.images[row["name"]]
        wanted = row.get("lookups", []) if asked else []
        assert len(asked) == len(wanted)
        for (path, got), want in zip(asked, wanted):
            where = row["name"], path
            assert path == escaped(path_of(want)), where
            stat, opened, listing = want["stat"], want["open"], want["listdir"]
            if isinstance(stat, dict):
                assert int(got["stat"]) == (DIRECTORY if stat["type"] == "dir" else FILE), where
                assert int(got["size"]) == stat["size"], where
            else:
                assert int(got["stat"]) == ERRORS[stat], where
            if isinstance(opened, dict):
                assert int(got["open"]) == opened["size"] and got["crc"] == opened["crc32"], where
            else:
                assert int(got["open"]) == ERRORS[opened], where
            if isinstance(listing, list):
                assert got["listdir"] == "0" and got["names"] == [escaped(path_of(e)) for e in listing], where
            else:
                assert int(got["listdir"]) == ERRORS[listing], where
            assert int(got["chdir"]) == ERRORS[want["chdir"]], where
            count += 1
    assert count == 99, count


def no_stack_is_computed_where_it_has_no_bound(run):
    """A driver that calls itself, or whatever a pointer says, is refused: both put into a copy of the call graph."""
    for number, target in enumerate(("romfs_lookup", "__indirect_call")):
        folder = f"{run.folder}/stack{number}"
        shutil.copytree(f"{BUILD}/firmware/cortex-m4/firmware", f"{folder}/firmware")
        with open(f"{folder}/firmware/romfs/record.ci", "a", encoding="utf-8") as f:
            f.write(f'edge: {{ sourcename: "romfs_read_varuint" targetname: "{target}" label: "" }}\n')
        done = subprocess.run(["firmware/worst-stack", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60, check=False)
        assert done.returncode == 1 and ("recursion", "pointer")[number] in done.stdout, done.stdout


def on_machine(name):
    """The tests of one machine."""
    core, hertz = MACHINES[name]

    def answers_as_the_host_does(run):
        report, _ = run.machine(name)
        for number, (ours, theirs) in enumerate(zip(run.host.splitlines(), report.splitlines()), 1):
            assert ours == theirs, f"line {number}: host {ours[:200]}, {name} {theirs[:200]}"
        assert len(run.host) == len(report) > 100_000

    def stays_within_the_computed_stack(run):
        _, console = run.machine(name)
        measured = {k: int(v) for k, v in re.findall(r"^stack (\w+) (\d+)$", console, re.M)}
        computed = json.loads(subprocess.run(["firmware/worst-stack", "--json", f"{BUILD}/firmware/{core}"], check=True,
                                             stdout=subprocess.PIPE, text=True, timeout=60).stdout)[core]
        assert len(measured) == 15
        for call, used in measured.items():
            print(f"# {name} {call}: {used} of {computed[call]} bytes of stack")
            assert 0 < used <= computed[call], (call, used, computed[call])

    def starts_in_bounded_time_over_hostile_flash(run):
        _, console = run.machine(name)
        clocks = [(k, int(v)) for k, v in re.findall(r"^clocks (\S+) (\d+)$", console, re.M)]
        assert len(clocks) == 23, clocks
        worst, most = max(((k, v * 10**9 // hertz) for k, v in clocks), key=lambda c: c[1])
        print(f"# {name}: {most} instructions at most, over {worst}")
        assert BUDGET / 4 < most < BUDGET * INSTRUCTIONS_PER_UNIT, (worst, most)

    for function in (answers_as_the_host_does, stays_within_the_computed_stack, starts_in_bounded_time_over_hostile_flash):
        function.__name__ = f"{core.replace('-', '_')}_{function.__name__}"
        tests.append(function)


def main():
    if "--host" not in sys.argv:
        tests.append(no_stack_is_computed_where_it_has_no_bound)
        for name in MACHINES:
            on_machine(name)
    failed = 0
    print(f"1..{len(tests)}")
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder)
        for number, function in enumerate(tests, 1):
            try:
                function(run)
                print(f"ok {number} - {function.__name__}", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} - {function.__name__}\n# {e!r}", flush=True)
    return 1 if failed else 0


sys.exit(main())
