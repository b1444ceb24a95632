#!/usr/bin/env python3
"""The hook of fixtures/virtual/camera.h: a device model of other origin, compiled outside the tree as the header says,
is linked in place of our cameras, by path, as an object of C or as a library of C++."""
import os
import re
import subprocess
import tempfile

from dfu_util import Line, board, found, noise, partition
from harness import BUILD, Rig, Tests, equal, until

test = Tests()
HERE = os.path.abspath(".")
MODEL = f"{HERE}/tests/line/other_camera.c"
LANGUAGES = {"c": ["gcc", "-std=c11"], "c++": ["g++", "-std=c++20", "-x", "c++"]}


def make(work, camera):
    """Links a virtual line of its own; returns its path and whether anything was linked."""
    program = os.path.join(work, "virtual-line")
    words = ["make", "virtual-line", f"VIRTUAL_LINE={program}", f"BUILD={BUILD}"]
    done = subprocess.run([*words, *([f"CAMERA={camera}"] if camera else [])], check=True, capture_output=True, text=True)
    return program, f"-o {program} " in done.stdout


def model(work, language):
    """Compiled in a folder far away, with the words that the header gives."""
    with open("fixtures/virtual/camera.h") as f:
        words = re.search(r"cc (-I.*) -c mine\.c", f.read())[1].replace("ROMLINE", HERE).split()
    out = os.path.join(work, f"{language}.o")
    subprocess.run([*LANGUAGES[language], "-Wall", "-Wextra", "-Werror", *words, "-c", MODEL, "-o", out], check=True, cwd=work)
    return out


def judge(program):
    size = partition("openmv-m4", "ROMFS0")["size"]
    data = noise(size)
    with Line("openmv-m4", "--mode", "hold", binary=program) as rig:
        rows = found(rig.good("dfu-util -l"))
        equal({r["serial"] for r in rows}, {"00112233445566778899aa01"})
        equal(sorted((int(r["alt"]), r["name"]) for r in rows),
              [(p["alt"], p["name"]) for p in board("openmv-m4")["partitions"]])
        rig.good(f"dfu-util -a ROMFS0 -D {rig.file('image', data)}")
        equal(rig.upload("ROMFS0") == data + bytes(4), True, "the bytes")
        rig.refused("dump 1 ROMFS0 file", "do not show")
        rig.good("dfu-util -a 0 -e")


@test
def objects_and_libraries():
    """C11 objects and C++20 libraries fit; others are linked anew, the same ones are not, and without any ours are back"""
    with tempfile.TemporaryDirectory(prefix="romline-model-") as work:
        first = model(work, "c")
        program, linked = make(work, first)
        equal(linked, True, "linked")
        judge(program)
        equal(make(work, first)[1], False, "nothing has changed")
        os.utime(first)
        equal(make(work, first)[1], True, "its object is newer")
        library = os.path.join(work, "libmodel.a")
        subprocess.run(["ar", "rcs", library, model(work, "c++")], check=True)
        os.utime(library, (1, 1))  # older than what is linked: it is another one all the same
        equal(make(work, library)[1], True, "another model")
        judge(program)
        equal(make(work, None)[1], True, "ours again")
        with Line("openmv-m4", "--mode", "hold", "--boards", f"{HERE}/fixtures/boards", binary=program) as rig:
            equal(rig.camera()["uid"] != "00112233445566778899aa01", True)


@test
def station_programs_it():
    """the station programs four cameras of another model: PASS, and they come back"""
    with Rig("openmv-m4", cameras=4, start=False, mode="run") as rig:
        program, _ = make(rig.work, model(rig.work, "c++"))
        rig.prepare()
        rig.virtual_line = program
        rig.start()
        until(lambda: len(rig.slots()) == 4, "all cameras are there")
        for camera in range(1, 5):
            rig.control(f"power-cycle {camera} hold")
        equal([(s["verdict"], s["code"]) for s in rig.wait_rest()], [("PASS", "ok")] * 4)


test.main()
