#!/usr/bin/env python3
"""The editor's verbs on image files: foreign images, random changes held against a model, refusals, and what stays."""
import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile

import romfs_images as images

BUILD = os.environ.get("BUILD", "build")
CTL = os.path.join(BUILD, "stationctl")
STEPS = int(os.environ.get("STEPS") or 25)
results = []


def check(name, ok, why=""):
    results.append(ok)
    print(("ok" if ok else "not ok"), len(results), "-", name, flush=True)
    if not ok and why:
        print("#", str(why).replace("\n", "\n# "), flush=True)


def ctl(*args):
    return subprocess.run([CTL, "romfs", *args], capture_output=True, timeout=60)


def refused(run, code, status=1):
    form = re.search(r"^stationctl: ([a-z-]+): [^;\n]+; [^\n]+\n\Z", run.stderr.decode(errors="replace"), re.M)
    return run.returncode == status and form is not None and form[1] == code


def load(path):
    with open(path, "rb") as f:
        return f.read()


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def tree(data):
    return {path: contents for path, (_, contents) in images.read(data)[0].items()}


def alignments(data):
    """The exact alignment of every file's contents, up to 4096."""
    return {path: next(a for a in (4096 >> k for k in range(13)) if offset % a == 0)
            for path, (offset, contents) in images.read(data)[0].items() if contents is not None}


class Model:
    """What a file system would do."""

    def __init__(self, contents):
        self.tree = dict(contents)

    def dirs(self):
        return [""] + [p for p, c in self.tree.items() if c is None]

    def below(self, path):
        return [p for p in self.tree if p == path or p.startswith(path + "/")]

    def random(self, r):
        return r.choice(sorted(self.tree)) if self.tree else None


def join(folder, name):
    return f"{folder}/{name}" if folder else name


def step(r, model, image, tmp, board):
    """One random verb on both; returns a line for the log, or None where the model has nothing to do it to."""
    verb = r.choice(["add", "add", "replace", "mkdir", "mv", "mv", "rm"])
    name = r.choice(["a", "zz.py", "m.tflite", "ünï", "x y", "-dash", "n.bin"]) + str(r.randrange(30))
    target = join(r.choice(model.dirs()), name)
    victim = model.random(r)
    if verb == "add":
        data = r.randbytes(r.choice([0, 1, 63, 1000, 5000]))
        put(f"{tmp}/new", data)
        run = ctl("add", *board, image, f"{tmp}/new", "--", "/" + target)
        want = target not in model.tree
        if want:
            model.tree[target] = data
    elif verb == "replace":
        data = r.randbytes(r.choice([0, 5, 700]))
        put(f"{tmp}/new", data)
        if victim is None or model.tree[victim] is None:
            return None
        run, want = ctl("add", "-f", *board, image, f"{tmp}/new", "--", victim), True
        model.tree[victim] = data
    elif verb == "mkdir":
        run, want = ctl("mkdir", *board, image, "--", target), target not in model.tree and target.count("/") < 60
        if want:
            model.tree[target] = None
    elif verb == "mv":
        if victim is None or target in model.tree:
            return None
        run, want = ctl("mv", *board, image, "--", victim, target), not (target + "/").startswith(victim + "/")
        if want:
            for path in model.below(victim):
                model.tree[target + path[len(victim) :]] = model.tree.pop(path)
    else:
        if victim is None:
            return None
        run, want = ctl("rm", "-r", *board, image, "--", victim), True
        for path in model.below(victim):
            del model.tree[path]
    if (run.returncode == 0) != want:
        raise AssertionError(f"{verb} {victim} {target}: {run.returncode} {run.stderr.decode()}")
    return f"{verb} {victim} {target}"


def random_edits(name, start, seed, tmp, board=()):
    """Verbs at random; after each the image holds what the model holds, foreign records stand, untouched files keep
    their alignment (with a board: models have theirs)."""
    r, image, model, log = random.Random(seed), f"{tmp}/r.img", Model(tree(start)), []
    put(image, start)
    others = images.read(start)[1]
    try:
        for _ in range(STEPS):
            before = load(image)
            line = step(r, model, image, tmp, board)
            if line is None:
                continue
            log.append(line)
            data = load(image)
            if tree(data) != model.tree:
                raise AssertionError("the tree is another one")
            known = [raw for _, raw in images.read(data)[1]]
            if not board and any(raw not in known for prefix, raw in others if not prefix):
                raise AssertionError("a record at the root is gone")
            old, new = alignments(before), alignments(data)
            old_tree, new_tree = tree(before), tree(data)
            for path in old.keys() & new.keys():
                if old_tree[path] == new_tree[path] and old[path] >= 4 and new[path] < old[path]:
                    raise AssertionError(f"{path} was aligned to {old[path]}, now to {new[path]}")
            if board and any(a < 32 for p, a in new.items() if p.split("/")[-1].split(".", 1)[-1] == "tflite"):
                raise AssertionError("a model is below the board's table")
            if ctl("ls", image).returncode:
                raise AssertionError("the driver refuses it")
        check(f"{name}: {len(log)} random verbs, seed {seed}", True)
    except (AssertionError, ValueError, IndexError) as why:
        check(f"{name}: random verbs, seed {seed}", False, f"{why}\n" + "\n".join(log[-5:]))


def some_tree(r):
    found = {"lib": None, "lib/deep": None, "empty": None}
    for i in range(12):
        found[r.choice(["", "lib/", "lib/deep/"]) + f"f{i}" + r.choice([".py", ".tflite", ".bin"])] = r.randbytes(r.randrange(600))
    return found


def test_random(tmp):
    for seed in (1, 2):
        random_edits("MicroPython's layout", images.plain(some_tree(random.Random(seed))), seed, tmp)
        flat = [(f"f{i}.{s}", random.Random(i).randbytes(i * 37)) for i, s in enumerate(["txt", "tflite", "cascade", "tflite"])]
        random_edits("OpenMV's layout", images.openmv(flat, lambda n: 16 if n.endswith("tflite") else 4), seed, tmp)
        random_edits("pools and unknown records", images.rich(seed), seed, tmp)
        random_edits("for a board", images.plain(some_tree(random.Random(seed))), seed, tmp, ("-b", "openmv-n6"))
    ctl("new", "-b", "openmv-n6", f"{tmp}/own.img")
    random_edits("from a new image", load(f"{tmp}/own.img"), 3, tmp, ("-b", "openmv-n6"))


def test_new(tmp):
    run = ctl("new", "-b", "openmv-n6", f"{tmp}/n.img")
    data = load(f"{tmp}/n.img")
    check("new: an empty image with a commit unit", run.returncode == 0 and len(data) == 65536 and tree(data) == {}, run)
    check("new replaces nothing", refused(ctl("new", f"{tmp}/n.img"), "conflict") and load(f"{tmp}/n.img") == data)
    run = ctl("new", "-f", f"{tmp}/n.img")
    check("but with -f", run.returncode == 0 and load(f"{tmp}/n.img") == b"\xd2\xcd\x31\x80\x80\x80\x80\x00", run)


def test_verbs(tmp):
    image = f"{tmp}/v.img"
    ctl("new", "-b", "openmv-h7-plus", image)
    os.makedirs(f"{tmp}/src/sub")
    put(f"{tmp}/src/a.py", b"a")
    put(f"{tmp}/src/sub/b.tflite", b"b" * 99)
    rows = [
        ("add a folder under its name", ("add", image, f"{tmp}/src"), None),
        ("add a folder twice", ("add", image, f"{tmp}/src"), "conflict"),
        ("add -f a folder over itself", ("add", "-f", image, f"{tmp}/src/"), None),
        ("add into a directory", ("add", image, f"{tmp}/src/a.py", "src/sub"), None),
        ("add makes what is missing on the way", ("add", image, f"{tmp}/src/a.py", "x/y/z.py"), None),
        ("add below a file", ("add", image, f"{tmp}/src/a.py", "x/y/z.py/q"), "conflict"),
        ("add over a directory", ("add", "-f", image, f"{tmp}/src/a.py", "x/./y"), "name-invalid"),
        ("add what is not there", ("add", image, f"{tmp}/none"), "file-failed"),
        ("mkdir", ("mkdir", image, "new"), None),
        ("mkdir twice", ("mkdir", image, "new"), "conflict"),
        ("mkdir without its parent", ("mkdir", image, "p/q"), "not-found"),
        ("mkdir --parents", ("mkdir", "--parents", image, "p/q", "p/q"), None),
        ("mkdir ..", ("mkdir", image, "new/.."), "name-invalid"),
        ("mkdir of bytes that are no UTF-8", ("mkdir", image, b"new/\xff"), "name-invalid"),
        ("mv to a new name", ("mv", image, "x/y/z.py", "x/y/w.py"), None),
        ("mv over a file", ("mv", image, "x/y/w.py", "src/a.py"), "conflict"),
        ("mv -f over a file", ("mv", "-f", image, "x/y/w.py", "src/a.py"), None),
        ("mv into a directory", ("mv", image, "src/a.py", "new"), None),
        ("mv of a directory into itself", ("mv", image, "src", "src/sub/t"), "conflict"),
        ("mv -f of a directory over a file", ("mv", "-f", image, "src", "new/a.py"), "conflict"),
        ("mv of nothing", ("mv", image, "none", "n"), "not-found"),
        ("mv where no directory is", ("mv", image, "src", "none/n"), "not-found"),
        ("mv of the root", ("mv", image, "/", "n"), "conflict"),
        ("rm of a directory", ("rm", image, "src"), "conflict"),
        ("rm of nothing", ("rm", image, "none"), "not-found"),
        ("rm of the root", ("rm", "-r", image, "/"), "conflict"),
        ("rm -r", ("rm", "-r", image, "src", "/x/"), None),
        ("rm of too little", ("rm", image), "usage"),
        ("a partition without a board", ("rm", "-p", "ROMFS0", image, "p"), "usage"),
    ]
    for name, args, code in rows:
        before = load(image)
        run = ctl(*args)
        right = run.returncode == 0 if code is None else refused(run, code, 2 if code == "usage" else 1) and load(image) == before
        check(name, right, run)
    check("what is left is what was left", tree(load(image)) == {"new": None, "new/a.py": b"a", "p": None, "p/q": None}, tree(load(image)))


def test_files(tmp):
    image = f"{tmp}/f.img"
    ctl("new", image)
    put(f"{tmp}/one", b"1")
    os.chmod(image, 0o600)
    ctl("add", image, f"{tmp}/one")
    check("the file's mode stays", stat.S_IMODE(os.stat(image).st_mode) == 0o600)
    os.symlink("f.img", f"{tmp}/link.img")
    check("a link is not replaced by a file", refused(ctl("rm", f"{tmp}/link.img", "one"), "file-failed") and os.path.islink(f"{tmp}/link.img"))
    check("nothing is left beside it", [n for n in os.listdir(tmp) if n.startswith("f.img")] == ["f.img"])
    whole = load(image)
    put(image, whole + b"\xff" * 5000)
    run = ctl("mkdir", image, "d")
    check("filling behind an image goes", run.returncode == 0 and len(load(image)) < 200 and run.stderr == b"", run)
    put(image, load(image) + b"trailer")
    run = ctl("mkdir", image, "e")
    check("anything else behind it stays, and is told", load(image).endswith(b"trailer") and b"7 bytes" in run.stderr, run)
    put(image, b"\xd2\xcd\x31\x05\x04\x03\x01d\x01")
    check("an image that is not sound is not edited", refused(ctl("mkdir", image, "x"), "image-invalid"))
    put(f"{tmp}/big", bytes(131072))
    ctl("new", "-f", "-b", "openmv-m4", image)
    check("more than the partition", refused(ctl("add", "-b", "openmv-m4", image, f"{tmp}/big"), "payload-too-big"))
    run = ctl("add", "--json", "-b", "openmv-m4", image, f"{tmp}/one")
    check("usage in JSON", json.loads(run.stdout)["partition_bytes"] == 131072 and json.loads(run.stdout)["files"] == 1, run)


def test_nothing_moves(tmp):
    """A change that is undone gives the same bytes back: at once for OpenMV's layout, which aligns; MicroPython's, which
    does not, is aligned the first time."""
    flat = [(f"f{i}.txt", bytes([i]) * (i * 31)) for i in range(9)]

    def undone(data):
        put(f"{tmp}/u.img", data)
        ctl("mkdir", f"{tmp}/u.img", "zzz")
        ctl("rm", "-r", f"{tmp}/u.img", "zzz")
        return load(f"{tmp}/u.img")
    data = images.openmv(flat, lambda n: 4)
    back = undone(data)
    # the format wants an even size, which OpenMV's builder does not care for
    check("OpenMV's layout stays to the byte", back[16 : len(data)] == data[16:] and len(back) - len(data) in (0, 3))
    once = undone(images.plain(dict(flat)))
    check("MicroPython's layout, once aligned, stays to the byte", undone(once) == once and min(alignments(once).values()) >= 4)


def test_sharing(tmp):
    image = f"{tmp}/s.img"
    put(image, images.rich(7))
    for args in (("rm", image, "b.bin"), ("rm", image, "whole"), ("mv", image, "d/same", "same")):
        run = ctl(*args)
        check("shared contents: " + " ".join(args[0::2]), run.returncode == 0, run)
    found = images.read(load(image))[0]
    check("who shared, shares", found["d/piece"][0] - found["same"][0] == 8, found)
    size = len(load(image))
    ctl("rm", image, "part")
    check("contents without a user go", len(load(image)) < size - 250, (size, len(load(image))))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        for test in (test_new, test_verbs, test_files, test_nothing_moves, test_sharing, test_random):
            folder = f"{tmp}/{test.__name__}"
            os.mkdir(folder)
            test(folder)
            shutil.rmtree(folder)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
