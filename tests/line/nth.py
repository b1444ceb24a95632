#!/usr/bin/env python3
"""Every command fails at its first allocation, then at its second, ... until a run completes without the fault; the same
for its file operations and SQLite calls; each fault once and from then on.  After each run the answer is either the right
one or a refusal with a code that blames the machine and not the input; nothing half done stands under a final name.

    nth.py [--every | --stride N] [CASE...]     --every: all calls; else a sample by stride, other ones on other days

tests/nth/nth.c is what fails; the programs are the ones that ship (or STATION_BUILD's, with a sanitizer)."""
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

from harness import equal, tree

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
PROGRAMS = os.path.abspath(os.environ.get("STATION_BUILD", BUILD))
SHIM = f"{BUILD}/tests/nth.so"
SANITIZED = PROGRAMS != BUILD
DEADLINE_S = 60
AT_A_TIME = 2
SAMPLES = 8 if SANITIZED else 24  # of each kind and case when not every call is tried
LONGEST = 100000  # calls; more, and the count itself is wrong
# What a refusal may be when memory, a file or the database failed; never a word against the input.
MACHINE = {"no-memory", "file-failed", "internal", "journal-failed"}
# A leftover beside the output is nobody's fault when taking it away is what failed.
REMOVERS = {"unlink", "unlinkat", "rmdir"}
KEEP = os.environ.get("NTH_KEEP")


def digest(path):
    """Contents of a file, or of everything in a folder; None when there is nothing."""
    if os.path.isdir(path):
        found = {}
        for top, _, names in os.walk(path):
            for name in names:
                with open(os.path.join(top, name), "rb") as f:
                    found[os.path.relpath(os.path.join(top, name), path)] = hashlib.sha256(f.read()).hexdigest()
        return found
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def verified(paths, image):
    """Who signed it, None when it is not there; whatever is there must verify."""
    if not os.path.exists(image):
        return None
    return subprocess.run([f"{BUILD}/stationctl", "recipe", "verify", "--json", "-K", paths["trust"], image], check=True,
                          capture_output=True).stdout


class Case:
    """A command; `out` is what it makes, in a folder of its own that nothing else is in."""

    def __init__(self, name, words, out=None, program="stationctl", statuses=(0, 1), kinds=("alloc", "file"),
                 before=None, whole=True, codes=(), measure=digest):
        self.name, self.words, self.out, self.program = name, words, out, program
        self.statuses, self.kinds, self.before, self.codes = statuses, kinds, before, MACHINE | set(codes)
        self.measure = measure  # what is compared of the thing that was made
        self.whole = whole  # a folder that is unpacked appears file by file
        self.golden = None

    def run(self, fail, work):
        """One run in a fresh folder: (status, stdout, stderr, what was made, what else lies there, fired)."""
        folder = tempfile.mkdtemp(dir=work)
        report = os.path.join(folder, "report")
        place = os.path.join(folder, "out")
        os.mkdir(place)
        target = os.path.join(place, self.out) if self.out else None
        if self.before:
            self.before(target or place)
        old = self.measure(target) if target else None
        words = [w.replace("OUT", target or place) for w in self.words]
        env = {**os.environ, "NTH_FAIL": fail, "NTH_REPORT": report, "NTH_PROGRAM": self.program, "LD_PRELOAD": SHIM,
               "TMPDIR": place}
        if SANITIZED:
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "exitcode=99") + ":verify_asan_link_order=0"
            env["LSAN_OPTIONS"] = f"suppressions={os.path.abspath('tests/lsan-nth.supp')}:print_suppressions=0"
        try:
            done = subprocess.run([f"{PROGRAMS}/{self.program}", *words], capture_output=True, env=env,
                                  timeout=DEADLINE_S, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise AssertionError("hangs") from None
        made = self.measure(target) if target else None
        rest = sorted(set(os.listdir(place)) - {self.out})
        with open(report) as f:
            said = dict(line.split(None, 1) for line in f.read().splitlines())
        shutil.rmtree(folder)
        return (done.returncode, done.stdout.replace(folder.encode(), b""), done.stderr.decode(errors="replace"), made,
                rest, said.get("fired"), int(said.get("count", -1)), old)

    def judge(self, fail, work):
        """True when the fault was reached; an AssertionError when the command did not bear it."""
        status, out, text, made, rest, fired, _, old = self.run(fail, work)
        if fired is None:
            equal((status, out, made), self.golden, "without the fault")
            return False
        if status not in self.statuses:
            raise AssertionError(f"{fired}: exit status {status}: {text.strip()[-1500:]}")
        if status == 0:
            if out != self.golden[1] or (self.out and made != self.golden[2]):
                raise AssertionError(f"{fired}: says that it is done, and it is not: {out[:200]!r}, {text.strip()[-300:]}")
        else:
            self.judge_refusal(fired, text)
            if self.out and made not in (old, self.golden[2]) and self.whole:
                raise AssertionError(f"{fired}: half done: {made}")
        if rest and fired not in REMOVERS and not fail.endswith(":forever"):
            raise AssertionError(f"{fired}: left behind: {rest}")
        return True

    def judge_refusal(self, fired, text):
        found = re.search(rf"^{self.program}: ([a-z-]+): [^\n]+; [^\n]+\n\Z", text, re.M)
        if not found:
            raise AssertionError(f"{fired}: no refusal: {text[-1500:]!r}")
        if found.group(1) not in self.codes:
            raise AssertionError(f"{fired}: blames the input: {found.group(0).strip()}")


def numbers(case, kind, last, stride):
    """Which calls fail: all of them, or the first ones, and a sample of the rest that another case takes elsewhere."""
    if not stride:
        return list(range(1, last + 1))
    step = max(1, last // SAMPLES) if stride == "sample" else stride
    start = zlib.crc32(f"{case.name}{kind}".encode()) % step
    begin = {1, 2, 3, *range(4, 64, 4)}  # where libraries start
    return sorted((begin | {last - 1, last} | set(range(1 + start, last + 1, step))) & set(range(1, last + 1)))


def loop(case, work, stride):
    """All faults of a case; a list of complaints."""
    status, out, text, made, *_ = case.run("alloc:0", work)
    if status != 0:
        return 0, [f"without a fault: {status} {text}"]
    case.golden = (status, out, made)
    jobs, bad = [], {}
    for kind in case.kinds:
        last = case.run(f"{kind}:0", work)[6]
        if not 0 < last < LONGEST:
            return 0, [f"{kind}: {last} calls"]
        jobs += [f"{kind}:{n}{how}" for n in numbers(case, kind, last, stride) if n > 0 for how in ("", ":forever")]
        jobs += [f"{kind}:{last + 100}"]

    def one(fail):
        try:
            reached = case.judge(fail, work)
            return None if reached or int(fail.split(":")[1]) > 0 else f"{fail}: never reached"
        except AssertionError as why:
            return f"{fail}: {why}"
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for why in pool.map(one, jobs):
            if why:  # one of a sort is enough to read
                bad.setdefault(re.sub(r"\d+", "", why.split(":", 1)[1])[:200], []).append(why)
    return len(jobs), [f"{rows[0]}  ({len(rows)} like it: {' '.join(r.split(': ')[0] for r in rows[1:6])})"
                       for rows in bad.values()]


def prepare(work):
    """What the commands work on: a small board folder, a tree, a signed recipe, a trust folder, a journal, a configuration."""
    paths = {name: os.path.join(work, name) for name in ("boards", "tree", "trust", "key", "plain", "signed", "romfs",
                                                         "conf", "line", "state", "minisig")}
    os.mkdir(paths["boards"])
    shutil.copy("fixtures/boards/openmv-n6.json", paths["boards"])
    os.environ["ROMLINE_BOARDS"] = paths["boards"]
    tree(paths["tree"], {"main.py": b"print('hello')\n" * 40, "lib/a.py": b"x = 1\n", "data.bin": bytes(range(256)) * 40})
    os.mkdir(paths["trust"])
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["minisign", "-G", "-W", "-p", f"{paths['trust']}/test.pub", "-s", paths["key"]], **quiet)
    with open(f"{paths['trust']}/test.json", "w") as f:
        f.write('{"roles":["release"],"not_before":null,"not_after":null,"revoked":null}')
    ctl = [f"{BUILD}/stationctl"]
    subprocess.run([*ctl, "recipe", "build", "-b", "openmv-n6", "-n", "app", "-v", "1", "-o", paths["plain"],
                    f"ROMFS0={paths['tree']}"], **quiet)
    subprocess.run(["minisign", "-S", "-W", "-s", paths["key"], "-m", paths["plain"], "-x", paths["minisig"]], **quiet)
    subprocess.run([*ctl, "recipe", "attach", paths["plain"], paths["minisig"], "-o", paths["signed"]], **quiet)
    subprocess.run([*ctl, "romfs", "build", "-b", "openmv-n6", "-o", paths["romfs"], paths["tree"]], **quiet)
    with open(paths["line"], "w") as f:
        f.write('{"name":"test","slots":[{"slot":1,"name":"one","path":"1-1.1","x":1,"y":0}]}')
    with open(paths["conf"], "w") as f:
        f.write(f"[station]\nname = test\nstate_dir = {paths['state']}\nboards = {paths['boards']}\nline = {paths['line']}\n"
                f"[recipes]\ntrust = {paths['trust']}\nrequire_roles = release\n[log]\nlevel = error\n")
    journal(paths)
    return paths


def journal(paths):
    """A station's first day, without cameras: started, a recipe uploaded, a batch, stopped."""
    from harness import Rig
    with Rig("openmv-n6", cameras=0, mode="hold") as rig:
        rig.open_batch(rig.upload(rig.recipe()))
        rig.stop()
        shutil.copytree(rig.state, paths["state"])
        shutil.copy(f"{rig.work}/checkpoints", paths["state"])


def cases(p):
    """The commands that a release engineer, QA and the station's start depend on."""
    db = f"{p['state']}/journal.db"
    return [
        Case("recipe build", ["recipe", "build", "-b", "openmv-n6", "-n", "app", "-v", "1", "-o", "OUT", f"ROMFS0={p['tree']}"],
             "o.img"),
        Case("recipe build over", ["recipe", "build", "-b", "openmv-n6", "-n", "app", "-v", "1", "-o", "OUT",
                                   f"ROMFS0={p['tree']}"], "o.img", before=lambda t: shutil.copy(p["romfs"], t)),
        # the signature says when it was made
        Case("recipe sign", ["recipe", "sign", "-k", p["key"], p["plain"], "-o", "OUT"], "o.img",
             measure=lambda path: verified(p, path)),
        Case("recipe attach", ["recipe", "attach", p["plain"], p["minisig"], "-o", "OUT"], "o.img"),
        Case("recipe detach", ["recipe", "detach", p["signed"], "-o", "OUT"], "o.img"),
        Case("recipe verify", ["recipe", "verify", "-K", p["trust"], "--require", "release", p["signed"]]),
        Case("recipe verify json", ["recipe", "verify", "--json", "-K", p["trust"], p["signed"]]),
        Case("recipe inspect", ["recipe", "inspect", p["signed"]]),
        Case("recipe unpack", ["recipe", "unpack", p["signed"], "-o", "OUT"], "o", whole=False),
        Case("romfs build", ["romfs", "build", "-b", "openmv-n6", "-o", "OUT", p["tree"]], "o.img"),
        Case("romfs check", ["romfs", "check", p["romfs"]]),
        Case("romfs ls json", ["romfs", "ls", "--json", p["romfs"]]),
        Case("journal verify", ["journal", "verify", "--db", db, "--checkpoints", f"{p['state']}/checkpoints", "--pubkey",
                                f"{p['state']}/station.key.pub"], kinds=("alloc", "file", "sql"),
             codes=("unreadable",)),
        Case("check-config", ["-c", p["conf"], "--check-config"], program="stationd"),
        Case("dump-config", ["-c", p["conf"], "--dump-config"], program="stationd"),
    ]


def main():
    words = sys.argv[1:]
    stride = "sample"
    if words[:1] == ["--every"]:
        stride, words = 0, words[1:]
    elif words[:1] == ["--stride"]:
        stride, words = int(words[1]), words[2:]
    work = tempfile.mkdtemp(prefix="romline-nth-")
    bad = 0
    try:
        rows = [c for c in cases(prepare(work)) if not words or c.name in words]
        print(f"1..{len(rows)}", flush=True)
        for number, case in enumerate(rows, 1):
            runs, complaints = loop(case, work, stride)
            bad += bool(complaints)
            print(f"{'not ok' if complaints else 'ok'} {number} - {case.name}: {runs} runs, each fails at one call", flush=True)
            for why in complaints:
                print("".join(f"# {line}\n" for line in why.splitlines()), end="", flush=True)
    finally:
        if not KEEP:
            shutil.rmtree(work, ignore_errors=True)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
