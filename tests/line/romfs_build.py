#!/usr/bin/env python3
"""stationctl romfs build: compiled and converted files, alignment by pattern, shared contents, layouts, the read-out,
the same bytes whatever the clock, the umask and the order on disk."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import romfs_images as images

BUILD = os.environ.get("BUILD", "build")
CTL = os.path.abspath(os.path.join(BUILD, "stationctl"))
MPY = os.path.abspath("build/mpy-cross/mpy-cross")
results = []


def check(name, ok, why=""):
    results.append(ok)
    print(("ok" if ok else "not ok"), len(results), "-", name, flush=True)
    if not ok and why:
        print("#", str(why).replace("\n", "\n# "), flush=True)


def build(source, *args, board="openmv-n6", out=None, env=None, **more):
    return subprocess.run([CTL, "romfs", "build", source, "-b", board, "-o", out or f"{source}.img", *args],
                          capture_output=True, timeout=120, env={**os.environ, **(env or {})}, **more)


def refused(run, code, words=b"", status=1):
    form = re.search(rb"^stationctl: ([a-z-]+): [^;\n]+; [^\n]+\n\Z", run.stderr, re.M)
    return run.returncode == status and form is not None and form[1].decode() == code and words in run.stderr


def load(path):
    with open(path, "rb") as f:
        return f.read()


def make(folder, files):
    for path, data in files.items():
        os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
        with open(f"{folder}/{path}", "wb") as f:
            f.write(data)
    return folder


def tree(path):
    return {p: c for p, (_, c) in images.read(load(path))[0].items()}


def script(path, text):
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def test_same_bytes(tmp):
    files = {f"d{i % 3}/f{i}": bytes([i]) * i for i in range(40)} | {"ünï/ß.py": b"1", "Z": b"", "a": b"x"}
    src = make(f"{tmp}/one", files)
    build(src, out=f"{tmp}/1")
    again = make(f"{tmp}/two", dict(random.Random(1).sample(sorted(files.items()), len(files))))
    for top, _, names in os.walk(again):
        for name in names:
            os.utime(f"{top}/{name}", (1, 1))
            os.chmod(f"{top}/{name}", 0o400)
    run = build(again, out=f"{tmp}/2", env={"TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": "/nonexistent"}, umask=0o077)
    check("equal files give equal bytes", run.returncode == 0 and load(f"{tmp}/1") == load(f"{tmp}/2"), run)
    names = [p for p in images.read(load(f"{tmp}/1"))[0]]
    check("siblings stand in the order of their bytes",
          [n for n in names if "/" not in n] == sorted((n for n in names if "/" not in n), key=str.encode))


def test_align(tmp):
    src = make(f"{tmp}/al", {"a.tflite": b"1" * 50, "b.tflite": b"2" * 50, "lib/c.dat": b"3" * 50, "lib/sub/c.dat": b"4" * 5, "x": b"5"})
    run = build(src, "--align", "*.tflite=256", "--align", "b.*=64", "--align=lib/*.dat=4096", "--align", "x=1")
    offsets = {p: o for p, (o, c) in images.read(load(f"{src}.img"))[0].items() if c is not None}
    check("patterns align, the last that fits counts", run.returncode == 0 and offsets["a.tflite"] % 256 == 0 and
          offsets["b.tflite"] % 64 == 0 and offsets["lib/c.dat"] % 4096 == 0, offsets)
    check("a pattern with a slash is for the whole path", offsets["lib/sub/c.dat"] % 4096 != 0, offsets)
    for bad in ("*.x", "*.x=", "*.x=3", "*.x=0", "*.x=8192", "=4", "*.x=-4", "*.x=4k"):
        check(f"--align {bad}", refused(build(src, "--align", bad, out=f"{tmp}/no"), "usage", status=2))


def test_shared(tmp):
    big = random.Random(3).randbytes(5000)
    src = make(f"{tmp}/sh", {"a.dat": big, "d/b.tflite": big, "d/c.dat": big, "e": b"short", "f": b"short"})
    run = build(src, "--json")
    found, answer = images.read(load(f"{src}.img"))[0], json.loads(run.stdout)
    check("equal contents are stored once, aligned for all of them",
          found["a.dat"] == found["d/b.tflite"] == found["d/c.dat"] and found["a.dat"][0] % 32 == 0 and load(f"{src}.img").count(big) == 1)
    check("and the read-out says what that saves", answer["shared_bytes"] == 10000, answer)


def test_read_out(tmp):
    src = make(f"{tmp}/ro", {f"f{i}": bytes([i]) * (1000 + i) for i in range(8)})
    answer = json.loads(build(src, "--json", "--no-commit-unit").stdout)
    size = os.path.getsize(f"{src}.img")
    check("the read-out in JSON", answer["bytes"] == size and answer["partition"] == "ROMFS0" and answer["partition_bytes"] == 25165824 and
          abs(answer["percent"] - 100 * size / 25165824) < 1e-6 and answer["files"] == 8 and answer["largest"][0] == {"path": "/f7", "size": 1007} and
          len(answer["largest"]) == 5, answer)
    text = build(src).stdout.decode()
    check("and in words", "% of 25165824 bytes, 8 files" in text and text.splitlines()[2].split() == ["1007", "/f7"], text)


def test_openmv_layout(tmp):
    r = random.Random(5)
    files = {f"m{i}.tflite": r.randbytes(i * 53) for i in range(6)} | {"labels.txt": b"a\nb\n", "face.cascade": r.randbytes(999)}
    src = make(f"{tmp}/om", files)
    for board, align in (("openmv-n6", 32), ("openmv-h7-plus", 16)):
        run = build(src, "--layout", "openmv", board=board)
        want = images.openmv(sorted(files.items()), lambda name: align if name.endswith(".tflite") else 4)
        check(f"--layout openmv for {board} is OpenMV's own, to the byte", run.returncode == 0 and load(f"{src}.img") == want, run)
    check("it holds no directory", refused(build(make(f"{tmp}/om2", {"d/x": b"1"}), "--layout", "openmv"), "name-invalid", b"'d'"))
    check("nor a name that is not ASCII", refused(build(make(f"{tmp}/om3", {"ü": b"1"}), "--layout", "openmv"), "name-invalid", "ü".encode()))
    check("another layout", refused(build(src, "--layout", "x"), "usage", status=2))


def test_mpy(tmp):
    files = {"main.py": b"import lib.a\nprint(lib.a.f(2))\n", "lib/a.py": b"def f(x):\n    return x + 1.5\n", "lib/b.txt": b"b"}
    src = make(f"{tmp}/mp", files)
    run = build(src, "--mpy-cross", MPY)
    found = tree(f"{src}.img")
    check("sources are compiled, the rest is not", run.returncode == 0 and set(found) == {"main.mpy", "lib", "lib/a.mpy", "lib/b.txt"} and
          found["lib/a.mpy"][:2] == b"M\x06" and b"lib/a.py" in found["lib/a.mpy"] and b"2 sources compiled" in run.stdout, run)
    check("a source that a camera starts by its name: told", b"--keep-py /main.py" in run.stderr, run)
    first = load(f"{src}.img")
    build(src, env={"ROMLINE_MPY_CROSS": f"'{MPY}'", "TMPDIR": tmp})
    check("the same by the environment, to the byte", load(f"{src}.img") == first)
    build(src, "--no-mpy", "--mpy-cross", MPY, env={"ROMLINE_MPY_CROSS": MPY})
    check("--no-mpy keeps sources", tree(f"{src}.img") == {**files, "lib": None})
    run = build(src, "--mpy-cross", MPY, "--keep-py", "/main.py")
    check("--keep-py keeps one", set(tree(f"{src}.img")) == {"main.py", "lib", "lib/a.mpy", "lib/b.txt"} and run.stderr == b"", run)
    build(src)
    check("and so does a build that nobody named a compiler for", tree(f"{src}.img") == {**files, "lib": None})
    native = make(f"{tmp}/na", {"n.py": b"import micropython\n@micropython.native\ndef f(x):\n    return x\n"})
    archs = {}
    for board in ("openmv-m4", "openmv-n6"):
        run = build(native, "--mpy-cross", MPY, board=board)
        archs[board] = tree(f"{native}.img")["n.mpy"][2] >> 2 if run.returncode == 0 else run
    check("native code is for the board's core", archs == {"openmv-m4": 7, "openmv-n6": 8}, archs)
    check("nothing is left in the temporary folder", [n for n in os.listdir(tmp) if n.startswith("romline-")] == [])


def test_mpy_refusals(tmp):
    src = make(f"{tmp}/mr", {"lib/a.py": b"x = 1\n"})
    out = f"{tmp}/mr.img"
    rows = [
        ("a compiler that is not there", ("--mpy-cross", f"{tmp}/none"), "not-found", b"none"),
        ("asked for, and none in PATH", ("--mpy",), "not-found", b"mpy-cross"),
        ("one that fails", ("--mpy-cross", script(f"{tmp}/fail", "echo 'no such luck' >&2; exit 3\n")), "child-failed", b"no such luck"),
        ("one that writes nothing", ("--mpy-cross", "true"), "child-failed", b"wrote no file"),
        ("one that writes something else", ("--mpy-cross", script(f"{tmp}/junk", "while [ $# -gt 1 ]; do [ $1 = -o ] && echo junk > $2; shift; done\n")),
         "child-failed", b"no .mpy file"),
        ("one that hangs", ("--timeout", "1", "--mpy-cross", script(f"{tmp}/hang", "sleep 600 & sleep 600\n")), "child-failed", b"was not done"),
    ]
    for name, args, code, words in rows:
        began = time.monotonic()
        run = build(src, *args, env={"PATH": "/nonexistent" if "--mpy" in args else os.environ["PATH"]})
        check(f"mpy-cross: {name}", refused(run, code, words) and b"lib/a.py" in run.stderr and not os.path.exists(out) and
              time.monotonic() - began < 60, run)
    bad = make(f"{tmp}/bad", {"ok.py": b"1\n", "lib/b.py": b"def f(:\n"})
    run = build(bad, "--mpy-cross", MPY)
    check("a source with an error: its file and the compiler's words", refused(run, "child-failed", b"lib/b.py") and b"SyntaxError" in run.stderr and b"line 1" in run.stderr, run)
    both = make(f"{tmp}/both", {"d/a.py": b"1\n", "d/a.mpy": b"M\x06"})
    check("x.py beside x.mpy", refused(build(both, "--mpy-cross", MPY), "name-invalid", b"d/a.py"))


def test_convert(tmp):
    src = make(f"{tmp}/cv", {"m/net.tflite": b"model", "a.txt": b"text", "sp ace.onnx": b"onnx"})
    tool = script(f"{tmp}/con vert", 'test "$(basename "$1")" != sp || exit 9\n(printf "%s:" "$3"; cat "$1") > "$2"\n')
    run = build(src, "--convert", f"*.tflite='{tool}' {{in}} {{out}} x{{board}}", "--convert", f'*.onnx="{tool}" {{in}} {{out}} "a  b"')
    check("files are converted by pattern", run.returncode == 0 and tree(f"{src}.img") ==
          {"m": None, "m/net.tflite": b"xopenmv-n6:model", "a.txt": b"text", "sp ace.onnx": b"a  b:onnx"} and b"2 files converted" in run.stdout, run)
    run = build(src, "--convert", f"openmv-m4:*.tflite='{tool}' {{in}} {{out}} no", "--convert", f"openmv-n6:m/*.tflite='{tool}' {{in}} {{out}} yes")
    check("a rule for one board", tree(f"{src}.img")["m/net.tflite"] == b"yes:model", run)
    before = load(f"{src}.img")
    rows = [
        ("fails", "*.tflite=sh -c 'echo bad model >&2; exit 2' {in} {out}", "child-failed", b"bad model", 1),
        ("dies", "*.tflite=sh -c 'kill -9 $$' {in} {out}", "child-failed", b"signal 9", 1),
        ("writes an empty file", "*.tflite=touch {in} {out}", "child-failed", b"empty file", 1),
        ("writes a link", "*.tflite=ln -s {in} {out}", "child-failed", b"wrote no file", 1),
        ("writes nothing", "*.tflite=true {in} {out}", "child-failed", b"wrote no file", 1),
        ("is not there", "*.tflite=/none {in} {out}", "not-found", b"/none", 1),
        ("is not told where to", "*.tflite=cp {in} x", "usage", b"{out}", 2),
        ("has an open quote", "*.tflite=cp '{in} {out}", "usage", b"not closed", 2),
        ("is none", "*.tflite=", "usage", b"--convert", 2),
    ]
    for name, rule, code, words, status in rows:
        run = build(src, "--convert", rule)
        check(f"a converter that {name}", refused(run, code, words, status) and load(f"{src}.img") == before, run)
    child = subprocess.Popen([CTL, "romfs", "build", src, "-b", "openmv-n6", "-o", f"{tmp}/k", "--convert",
                              f"*.tflite=sh -c 'echo $$ > {tmp}/pid; exec sleep 600' {{in}} {{out}}"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while time.monotonic() < until and not (os.path.exists(f"{tmp}/pid") and load(f"{tmp}/pid")):
        time.sleep(0.02)
    pid = int(load(f"{tmp}/pid"))
    child.kill()
    child.wait()
    while time.monotonic() < until and os.path.exists(f"/proc/{pid}/stat") and b") Z" not in load(f"/proc/{pid}/stat"):
        time.sleep(0.02)
    check("a converter does not outlive the build", not os.path.exists(f"/proc/{pid}/stat") or b") Z" in load(f"/proc/{pid}/stat"))


def test_check_models(tmp):
    def model(version=3, identifier=b"TFL3", root=20):
        vtable = (8).to_bytes(2, "little") + (12).to_bytes(2, "little") + (4).to_bytes(2, "little") + b"\0\0"
        return root.to_bytes(4, "little") + identifier + b"\0\0\0\0" + vtable + (8).to_bytes(4, "little") + version.to_bytes(4, "little") + bytes(40)
    rows = [("sound", model(), None), ("of another schema: told", model(version=2), b"+schema"), ("with a root table that points astray: told", model()[:20] + b"\xff" * 60, b"+layout"), ("without its identifier", model(identifier=b"JUNK"), b"TFL3"),
            ("with its root outside", model(root=4000), b"root table"), ("cut", model()[:7], b"TFL3"), ("empty", b"", b"TFL3"),
            ("that ST's tools converted", b"NBIN" + bytes(20), None)]
    for name, data, words in rows:
        src = make(f"{tmp}/ck{len(results)}", {"m/x.TFLITE": data})
        build(src)
        run = subprocess.run([CTL, "romfs", "check", f"{src}.img"], capture_output=True, timeout=60)
        right = (run.returncode == 0 and b"x.TFLITE" not in run.stdout if words is None else
                 run.returncode == 0 and b"x.TFLITE: its" in run.stdout and words[1:] in run.stdout if words[:1] == b"+" else
                 refused(run, "model-invalid", words))
        check(f"check: a model {name}", right, run)


def test_hostile_names(tmp):
    for name in (b"\xff", b"a\xc0\xaf", b"\xed\xa0\x80"):
        folder = os.fsencode(f"{tmp}/h{len(results)}")
        os.makedirs(folder + b"/d")
        with open(folder + b"/d/" + name, "wb"):
            pass
        check(f"a name of bytes {name!r}", refused(build(os.fsdecode(folder)), "name-invalid", b"d/"))
    for kind, make_it in {"link": lambda p: os.symlink("x", p), "pipe": os.mkfifo}.items():
        folder = make(f"{tmp}/k{kind}", {"d/x": b"1"})
        make_it(f"{folder}/d/odd")
        check(f"a {kind} is refused by its name", refused(build(folder), "file-failed", b"d/odd"))
    odd = {"-rf": b"1", " ": b"2", "a\\b": b"3", "*": b"4", "\u202e.py": b"5", "x" * 255: b"6", "\x7f\x1b[2J": b"7"}
    src = make(f"{tmp}/odd", odd)
    check("odd names that are UTF-8 are carried", build(src).returncode == 0 and tree(f"{src}.img") == odd)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        for test in (test_same_bytes, test_align, test_shared, test_read_out, test_openmv_layout, test_mpy, test_mpy_refusals,
                     test_convert, test_check_models, test_hostile_names):
            os.mkdir(f"{tmp}/{test.__name__}")
            test(f"{tmp}/{test.__name__}")
            shutil.rmtree(f"{tmp}/{test.__name__}")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
