#!/usr/bin/env python3
"""stationctl romfs as a user meets it: the corpus' score, builds that MicroPython's rules read, refusals in words."""
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib

BUILD = os.environ.get("BUILD", "build")
CTL = os.path.join(BUILD, "stationctl")
CORPUS = "tests/corpus/romfs"
# A TensorFlow Lite flatbuffer's start: root table at 20, identifier, a vtable at 12, schema version 3.
MODEL_HEAD = bytes.fromhex("14000000 54464c33 00000000 0800 0c00 0400 0000 08000000 03000000 00000000")
results = []


def check(name, ok, why=""):
    results.append(ok)
    print(("ok" if ok else "not ok"), len(results), "-", name, flush=True)
    if not ok and why:
        print("#", str(why).replace("\n", "\n# "), flush=True)


def ctl(*args, stdin=None):
    return subprocess.run([CTL, "romfs", *args], capture_output=True, timeout=60, stdin=stdin)


def varuint(data, at):
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def read_as_micropython(data):
    """What VfsRom's own loops see, without a single check: {path: contents, None for a directory}."""
    assert data[:3] == b"\xd2\xcd\x31"
    length, start = varuint(data, 3)
    found = {}

    def walk(at, end, prefix):
        while at < end:
            kind, at = varuint(data, at)
            size, at = varuint(data, at)
            following = at + size
            if kind in (4, 5):
                n, at = varuint(data, at)
                path = prefix + data[at : at + n].decode()
                if kind == 4:
                    found[path] = None
                    walk(at + n, following, path + "/")
                else:
                    found[path] = contents(at + n, following)
            at = following

    def contents(at, end):
        while at < end:
            kind, at = varuint(data, at)
            size, at = varuint(data, at)
            if kind == 2:
                return data[at : at + size]
            at += size
        raise ValueError("no data")

    walk(start, start + length, "")
    return found


def tree(folder):
    found = {}
    for top, dirs, files in os.walk(folder):
        for name in dirs:
            found[os.path.relpath(os.path.join(top, name), folder)] = None
        for name in files:
            path = os.path.join(top, name)
            found[os.path.relpath(path, folder)] = open(path, "rb").read()
    return found


def make_tree(folder):
    os.makedirs(f"{folder}/lib/deep/er")
    os.makedirs(f"{folder}/empty")
    for path, size in {"main.py": 11, "lib/a.py": 0, "lib/deep/er/net.tflite": 70001, "model.onnx": 4097, "x.bin": 5, "ünï.txt": 3}.items():
        with open(f"{folder}/{path}", "wb") as f:
            data = bytes((i * 7 + size) & 0xFF for i in range(size))
            f.write(MODEL_HEAD + data[len(MODEL_HEAD) :] if path.endswith(".tflite") else data)


def refusal(run, code, status=1):
    line = run.stderr.decode()
    form = re.fullmatch(r"stationctl: ([a-z-]+): [^;\n]+; [^\n]+\n", line)
    return run.returncode == status and form is not None and form[1] == code


def test_corpus():
    run = subprocess.run([f"{CORPUS}/score", CTL, "romfs", "ls", "--json"], capture_output=True, text=True)
    check("ls --json is right on every image of the corpus", run.returncode == 0 and "573 of 573" in run.stdout, run.stdout)


def test_build(tmp):
    make_tree(f"{tmp}/app")
    want = tree(f"{tmp}/app")
    boards = [f[:-5] for f in sorted(os.listdir("fixtures/boards")) if f.endswith(".json")]
    for board in boards:
        spec = json.load(open(f"fixtures/boards/{board}.json"))
        if not any(p.get("role") == "romfs" for p in spec["partitions"]):
            continue
        out = f"{tmp}/{board}.img"
        run = ctl("build", f"{tmp}/app", "-b", board, "-o", out)
        if run.returncode:
            check(f"{board}: build", False, run.stderr)
            continue
        data = open(out, "rb").read()
        check(f"{board}: MicroPython reads what was put in", read_as_micropython(data) == want and len(data) % 2 == 0)
        listing = json.loads(ctl("ls", "--json", out).stdout)
        files = {e["path"][1:]: e for e in listing["entries"] if e["type"] == "file"}
        right = listing["mount"] == "ok" and listing["problems"] == [] and all(
            data[e["offset"] : e["offset"] + e["size"]] == want[p] and e["crc32"] == "%08x" % zlib.crc32(want[p])
            for p, e in files.items())
        check(f"{board}: ls gives offset, size and crc32 of each file", right and set(files) == {p for p in want if want[p] is not None})
        check(f"{board}: its models are aligned", ctl("check", "-b", board, out).returncode == 0)
    again = f"{tmp}/again.img"
    ctl("build", f"{tmp}/app", "--board=openmv-n6", "--output", again)
    check("the same tree gives the same bytes", open(again, "rb").read() == open(f"{tmp}/openmv-n6.img", "rb").read())


def test_cat(tmp):
    image = f"{tmp}/openmv-n6.img"
    for path in ("main.py", "/lib/deep/er/net.tflite", "lib/a.py"):
        run = ctl("cat", image, path)
        check(f"cat {path}", run.returncode == 0 and run.stdout == open(f"{tmp}/app/{path.lstrip('/')}", "rb").read())
    check("cat of a directory is refused", refusal(ctl("cat", image, "lib"), "not-found"))
    check("cat of a missing file is refused", refusal(ctl("cat", image, "nope"), "not-found"))
    with open("/dev/full", "wb") as full:
        run = subprocess.run([CTL, "romfs", "cat", image, "main.py"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    check("cat into a full disk is no success", refusal(run, "file-failed"), run.stderr)


def test_refusals(tmp):
    bad = f"{CORPUS}/images/m_dup_files.img"
    run = ctl("check", "--json", bad)
    answer = json.loads(run.stdout)
    check("a refused image says why in JSON", run.returncode == 1 and answer["mount"] == "duplicate" and answer["entries"] == []
          and answer["problems"][0]["rule"] == "duplicate", answer)
    check("a refused image says why on stderr", refusal(run, "image-invalid"), run.stderr)
    check("cat reads nothing from a refused image", ctl("cat", bad, "a").stdout == b"")
    check("a missing image", refusal(ctl("ls", f"{tmp}/none"), "file-failed"))
    check("a folder is no image", refusal(ctl("ls", tmp), "file-failed"))
    check("no operand", refusal(ctl("ls"), "usage", 2))
    check("two operands", refusal(ctl("ls", bad, bad), "usage", 2))
    check("an unknown option", refusal(ctl("ls", "--jsn", bad), "usage", 2))
    check("no output named", refusal(ctl("build", f"{tmp}/app", "-b", "openmv-n6"), "usage", 2))
    check("an unknown board", refusal(ctl("build", f"{tmp}/app", "-b", "openmv-x", "-o", f"{tmp}/o"), "board-unknown"))
    check("an unknown partition", refusal(ctl("build", f"{tmp}/app", "-b", "openmv-n6", "-o", f"{tmp}/o", "-p", "FIRMWARE"), "partition-unknown"))
    check("an output inside the tree", refusal(ctl("build", f"{tmp}/app", "-b", "openmv-n6", "-o", f"{tmp}/app/lib/o.img"), "file-failed"))
    check("no folder of boards", refusal(ctl("build", f"{tmp}/app", "-b", "openmv-n6", "-o", f"{tmp}/o", "--boards", f"{tmp}/none"), "file-failed"))
    os.mkfifo(f"{tmp}/pipe")
    os.symlink("pipe", f"{tmp}/to-pipe")
    for odd in ("pipe", "to-pipe"):
        before = os.lstat(f"{tmp}/{odd}")
        run = ctl("build", f"{tmp}/app", "-b", "openmv-n6", "-o", f"{tmp}/{odd}")
        check(f"an output that is no file stays what it is: {odd}",
              refusal(run, "file-failed") and os.lstat(f"{tmp}/{odd}").st_ino == before.st_ino, run.stderr)
    recipe = subprocess.run([CTL, "recipe", "build", "-b", "openmv-n6", "-n", "a", "-v", "1", "-o", f"{tmp}/app/r.img", f"ROMFS0={tmp}/app"],
                            capture_output=True, timeout=60)
    check("a recipe inside the tree it is made of", refusal(recipe, "file-failed") and not os.path.exists(f"{tmp}/app/r.img"), recipe.stderr)
    os.mkdir(f"{tmp}/big")
    with open(f"{tmp}/big/f", "wb") as f:
        f.truncate(131072)
    check("too big for its partition", refusal(ctl("build", f"{tmp}/big", "-b", "openmv-m4", "-o", f"{tmp}/o"), "payload-too-big"))
    os.mkdir(f"{tmp}/link")
    os.symlink("/etc/passwd", f"{tmp}/link/l")
    check("a symbolic link", refusal(ctl("build", f"{tmp}/link", "-b", "openmv-n6", "-o", f"{tmp}/o"), "file-failed"))
    check("a refused build leaves nothing behind", not os.path.exists(f"{tmp}/o"))


def test_alignment(tmp):
    # a flat image as the plainest tools write it: nothing is aligned
    model = MODEL_HEAD + bytes(64 - len(MODEL_HEAD))
    entry = b"\x05\x4d\x08m.tflite\x02\x40" + model
    entry = b"\x05" + bytes([len(entry) - 2]) + entry[2:]
    image = b"\xd2\xcd\x31" + bytes([len(entry)]) + entry
    with open(f"{tmp}/plain.img", "wb") as f:
        f.write(image)
    check("a misaligned model is sound as an image", ctl("check", f"{tmp}/plain.img").returncode == 0)
    run = ctl("check", "-b", "openmv-n6", "--json", f"{tmp}/plain.img")
    answer = json.loads(run.stdout)
    check("and refused for a board", refusal(run, "model-misaligned") and answer["mount"] == "ok"
          and answer["problems"][0]["path"] == "/m.tflite", run.stderr)


def test_output_is_harmless(tmp):
    os.mkdir(f"{tmp}/odd")
    open(f"{tmp}/odd/a\x1b[31m\nb", "w").close()
    ctl("build", f"{tmp}/odd", "-b", "openmv-n6", "-o", f"{tmp}/odd.img")
    run = ctl("ls", f"{tmp}/odd.img")
    check("a name cannot drive the terminal", run.returncode == 0 and b"\x1b" not in run.stdout and run.stdout.count(b"\n") == 1, run.stdout)
    listing = json.loads(ctl("ls", "--json", f"{tmp}/odd.img").stdout)
    check("and is exact in JSON", listing["entries"][0]["path"] == "/a\x1b[31m\nb")


def test_extract(tmp):
    image, out = f"{tmp}/openmv-n6.img", f"{tmp}/out"
    run = ctl("extract", image, "-o", out)
    check("extract gives back the tree", run.returncode == 0 and tree(out) == tree(f"{tmp}/app"), run.stderr)
    check("extract replaces nothing", refusal(ctl("extract", image, "-o", out), "file-failed"))
    os.mkdir(f"{tmp}/trap")
    os.symlink(f"{tmp}/app", f"{tmp}/trap/lib")
    run = ctl("extract", image, "-o", f"{tmp}/trap")
    check("extract follows no link", refusal(run, "file-failed") and tree(f"{tmp}/app") == tree(out), run.stderr)
    check("extract wants a folder named", refusal(ctl("extract", image), "usage", 2))
    check("extract takes nothing from a refused image",
          refusal(ctl("extract", f"{CORPUS}/images/m_dup_files.img", "-o", f"{tmp}/no"), "image-invalid") and not os.path.exists(f"{tmp}/no"))


def test_diff(tmp):
    old, new = f"{tmp}/openmv-n6.img", f"{tmp}/new.img"
    check("one tree for two boards does not differ", ctl("diff", old, f"{tmp}/openmv-m4.img").returncode == 0)
    os.remove(f"{tmp}/out/x.bin")
    os.rmdir(f"{tmp}/out/empty")
    for path, data in {"main.py": b"other", "lib/b.py": b"new", "empty": b"now a file"}.items():
        with open(f"{tmp}/out/{path}", "wb") as f:
            f.write(data)
    ctl("build", f"{tmp}/out", "-b", "openmv-n6", "-o", new)
    run = ctl("diff", old, new)
    check("diff tells what went, came and changed",
          run.returncode == 1 and run.stdout.decode().split("\n") == ["~ /empty", "+ /lib/b.py", "~ /main.py", "- /x.bin", ""], run)
    check("and in JSON", json.loads(ctl("diff", "--json", old, new).stdout)
          == {"removed": ["/x.bin"], "added": ["/lib/b.py"], "changed": ["/empty", "/main.py"]})
    check("diff wants two images", refusal(ctl("diff", old), "usage", 2))


with tempfile.TemporaryDirectory() as tmp:
    test_corpus()
    test_build(tmp)
    test_cat(tmp)
    test_extract(tmp)
    test_diff(tmp)
    test_refusals(tmp)
    test_alignment(tmp)
    test_output_is_harmless(tmp)
print(f"1..{len(results)}")
sys.exit(not all(results))
