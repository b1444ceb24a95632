#!/usr/bin/env python3
"""Per-unit data: what a signed recipe leaves open is filled in for each unit, written, read back, and equal in nothing
else; who has no number for it, or one that does not fit, is refused before anything is erased."""
import json
import os
import subprocess
import tempfile
import zlib

from harness import CTL, Refused, Rig, Tests, equal, payload, tree, until
from nest_rig import SwdRig

test = Tests()
UNIT = b'{"serial": "{{serial______}}", "mac": "{{mac____________}}", "uid": "{{uid__________________}}"}\n'


def again(rig, number, states, how="power-cycle"):
    before = rig.slots()[number - 1]["attempt"]
    rig.control(f"{how} {number} hold")
    return until(lambda: (lambda s: s if s["state"] in states and s["attempt"] != before else None)(
        rig.slots()[number - 1]), f"slot {number} in {states} once more")


def file_in(rig, image, path):
    """As the tool that reads any image finds it."""
    name = f"{rig.work}/read.img"
    with open(name, "wb") as f:
        f.write(image)
    return subprocess.run([CTL, "romfs", "cat", name, path], check=True, capture_output=True).stdout


def regions(rig, slot):
    return {r["partition"]: r for r in rig.rest(f"/attempts/{slot['attempt']}")["regions"]}


@test
def romfs():
    """an AE3's ROMFS1 tells each camera who it is: serial, MAC and UID; ROMFS0 is everyone's; delta, deploy and rework keep it"""
    numbers = "[numbers]\nserial = pool\nmac = pool\n"
    with Rig("openmv-ae3", cameras=2, speed="instant", more=numbers, start=False,
             program="already_passed = allow\nallow_unsigned = no") as rig:
        app = tree(f"{rig.work}/app", {"main.py": b"import unit\n" * 200})
        unit = tree(f"{rig.work}/unit", {"unit.json": UNIT, "more.bin": bytes(range(256)) * 20})
        rig.start(cameras=0)
        rig.rest("/numbers", {"kind": "serial", "values": ["CAM-000001", "CAM-000002", "CAM-IS-TOO-LONG-FOR-IT"]}, "POST")
        rig.rest("/numbers", {"kind": "mac", "values": [f"02:00:00:00:00:0{n}" for n in range(3)]}, "POST")
        path = rig.recipe(parts=[f"ROMFS0={app}", f"ROMFS1={unit}"], extra=["--unit-data", "ROMFS1"])
        sha = rig.upload(path)
        view = rig.rest(f"/recipes/{sha}")
        equal([r.get("fields") for r in view["regions"]], [None, 3])
        shown = subprocess.run([CTL, "recipe", "inspect", path], check=True, capture_output=True, text=True).stdout
        equal(shown.count("unit data: the "), 3)
        rig.open_batch(sha)
        rig.stop()
        rig.start(cameras=2)
        slots = rig.wait_rest()
        equal([s["state"] for s in slots], ["passed", "passed"])
        held = [rig.dump(n, "ROMFS1") for n in (1, 2)]
        told = []
        for slot, image in zip(slots, held):
            row = rig.rest(f"/units/{slot['uid']}")
            text = file_in(rig, image, "unit.json")
            equal(len(text), len(UNIT), "nothing has moved")
            told.append(json.loads(text))
            equal({k: v.rstrip() for k, v in told[-1].items()}, {k: row[k] for k in ("serial", "mac", "uid")})
            region = regions(rig, slot)["ROMFS1"]
            crc = f"{zlib.crc32(image[:region['length']]):08x}"
            equal((region["crc32"], region["crc32_read"], region["files"]), (crc, crc, 2))
        equal({t["serial"].rstrip() for t in told}, {"CAM-000001", "CAM-000002"})
        equal(*[rig.dump(n, "ROMFS0") for n in (1, 2)])
        equal(len({regions(rig, s)["ROMFS0"]["crc32"] for s in slots}), 1)
        # once more, as it is there already; and at a person's word, outside of any batch
        slot = again(rig, 1, {"passed"})
        written = next(s for s in rig.rest(f"/attempts/{slot['attempt']}")["steps"] if s["step"] == "written")
        equal(written["units"], 0, "units written a second time")
        rig.rest("/slots/1/disable", {}, "POST")
        rig.control("power-cycle 1 hold")

        def deployed():
            try:
                return rig.rest("/slots/1/deploy", {"recipe": sha}, "POST")
            except Refused as why:
                equal(why.code, "replug-needed")  # it is on its way
        until(deployed, "the deploy begins")
        slot = until(lambda: (lambda s: s if s["attempt"] != slot["attempt"] and s["state"] == "passed" else None)(rig.slots()[0]),
                     "the deploy")
        equal((slot["kind"], slot["serial"]), ("deploy", told[0]["serial"].rstrip()))
        equal(rig.dump(1, "ROMFS1"), held[0], "the same unit's data")
        # a wrong byte where only this unit's data stands is found like any other
        rig.control("fault camera=2 at=upload partition=ROMFS1 times=1000 do=flip:70.1")
        slot = again(rig, 2, {"failed"})
        equal(slot["code"], "flash-mismatch")


@test
def kept():
    """red after the write: the serial that stands in the flash is no other unit's, kill -9 or not, and is its own when it passes"""
    with Rig("openmv-ae3", cameras=2, slots=["1-1.1", "1-1.2"], speed="instant", more="[numbers]\nserial = pool\n", start=False,
             options=["--respawn", "--windows", "0.3"], program="retries = 0\nhold_after = 0") as rig:
        unit = tree(f"{rig.work}/unit", {"unit.json": UNIT.replace(b"{{mac", b"{{uid_____"), "more.bin": bytes(range(256)) * 20})

        def number():
            (n,) = rig.rest("/numbers")["items"]
            return n["state"], n["uid"], n["kept"] is not None

        def starts():
            return len(rig.rest("/attempts?slot=1&limit=1000")["items"])
        rig.start(mode="run")
        rig.rest("/numbers", {"kind": "serial", "values": ["CAM-000001"]}, "POST")
        rig.open_batch(rig.upload(rig.recipe(parts=[f"ROMFS1={unit}"], extra=["--unit-data", "ROMFS1"])))
        for n in (1, 2):
            rig.wait_slot(n, {"running"})
        rig.control("fault camera=1 at=upload partition=ROMFS1 times=1000 do=flip:70.1")
        slot = again(rig, 1, {"failed"})
        equal((slot["code"], slot["serial"], number()), ("flash-mismatch", None, ("reserved", slot["uid"], True)))
        rig.kill()  # what stands in its bootloader is taken up again
        rig.wait_slot(1, {"failed"}, after=slot["attempt"])
        equal(number(), ("reserved", slot["uid"], True))
        equal(again(rig, 2, {"refused"})["code"], "numbers-exhausted")
        rig.control("clear 1")
        rig.control("fault camera=1 at=dnload times=1000 do=silent")
        before = starts()
        rig.control("power-cycle 1 hold")
        until(lambda: starts() > before, "its next attempt")
        rig.kill()
        rig.control("clear 1")
        rig.wait_slot(1, {"error"})
        equal(number(), ("reserved", slot["uid"], True))
        equal(again(rig, 1, {"passed"})["serial"], "CAM-000001")
        equal(number(), ("bound", slot["uid"], False))
        equal(json.loads(file_in(rig, rig.dump(1, "ROMFS1"), "unit.json"))["serial"].rstrip(), "CAM-000001")


@test
def refused():
    """no number, one that is too wide, one that would end the string it stands in: refused, and the flash is as it was"""
    with Rig("openmv-ae3", cameras=1, speed="instant", more="[numbers]\nserial = scan\n", start=False) as rig:
        unit = tree(f"{rig.work}/unit", {"unit.json": UNIT.replace(b"{{mac", b"{{uid_____")})
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe(parts=[f"ROMFS1={unit}"], extra=["--unit-data", "ROMFS1"])))
        rig.stop()
        rig.start(cameras=1)
        empty = rig.dump(1, "ROMFS1")
        equal(rig.wait_slot(1, {"asking"})["code"], "serial-missing")
        for serial in ("12345678901234567", 'x"', "a\\b", "größe"):
            before = rig.slots()[0]["attempt"]
            rig.rest("/slots/1/serial", {"serial": serial}, "POST")
            slot = until(lambda: (lambda s: s if s["state"] == "refused" and s["attempt"] != before else None)(rig.slots()[0]),
                         f"{serial} is refused")
            equal(slot["code"], "number-unfit", serial)
            rig.rest("/slots/1/serial", {"serial": None}, "POST")
            again(rig, 1, {"asking"})
        equal(rig.dump(1, "ROMFS1"), empty, "its flash")
        rig.rest("/slots/1/serial", {"serial": "1234567890123456"}, "POST")
        rig.wait_slot(1, {"passed"})
        equal(json.loads(file_in(rig, rig.dump(1, "ROMFS1"), "unit.json"))["serial"], "1234567890123456")


@test
def raw():
    """a raw region with the MAC number as six bytes and the UID as twelve, on an H7 Plus; a unit without a MAC is refused"""
    with Rig("openmv-h7-plus", cameras=1, speed="instant", more="[numbers]\nmac = pool\n", start=False) as rig:
        plain = f"{rig.work}/plain.bin"
        with open(plain, "wb") as f:
            f.write(b"UNIT" + bytes(28) + b"\xff" * 5000)
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe(parts=[f"FILESYSTEM={plain}"], extra=[
            "--unit-field", "FILESYSTEM=uid@16+12:bytes", "--unit-field", "FILESYSTEM=mac@4+6:bytes"])))
        rig.stop()
        rig.start(cameras=1)
        equal(rig.wait_rest()[0]["code"], "numbers-exhausted")
        rig.rest("/numbers", {"kind": "mac", "values": ["02:0A:bc:00:00:7f"]}, "POST")
        slot = again(rig, 1, {"passed"})
        uid = bytes.fromhex(slot["uid"])
        equal(rig.dump(1, "FILESYSTEM")[:5032], b"UNIT" + bytes.fromhex("020abc00007f") + bytes(6) + uid + bytes(4) + b"\xff" * 5000)


@test
def swd():
    """the same through a debug probe: what is read back, and what the camera's core sums up, is the unit's own image"""
    mark = b"{{uid____________________}}"
    with SwdRig(program="", start=False) as rig:
        rig.start(cameras=0)
        path = rig.recipe(files={"unit.py": b"UID = '" + mark + b"'\n", "more.bin": bytes(range(256)) * 30},
                          extra=["--unit-data", "ROMFS0"])
        signed = payload(path)
        equal(signed.count(mark), 1)
        rig.open_batch(rig.upload(path))
        rig.plug(1)
        slot = rig.wait_slot(1, {"passed"})
        region = regions(rig, slot)["ROMFS0"]
        crc = f"{zlib.crc32(signed.replace(mark, slot['uid'].encode().ljust(len(mark)))):08x}"
        equal((region["crc32"], region["crc32_read"], region["crc32_core"], region["files_core"]), (crc, crc, crc, 2))


@test
def building():
    """what cannot be filled in is refused when the recipe is built, before anybody signs it"""
    with tempfile.TemporaryDirectory() as work:
        unit, plain = tree(f"{work}/unit", {"unit.json": UNIT}), tree(f"{work}/plain", {"a.txt": b"nothing\n"})
        for parts, extra, words in (
                ([f"ROMFS1={plain}"], ["--unit-data", "ROMFS1"], "there is no mark"),
                ([f"ROMFS1={unit}"], ["--unit-data", "ROMFS0"], "not in this recipe"),
                ([f"ROMFS1={unit}"], ["--unit-field", "ROMFS1=mac@0+4"], "not within one file"),
                ([f"ROMFS1={unit}"], ["--unit-field", "ROMFS1=mac@999999+4"], "beyond the payload"),
                ([f"ROMFS1={unit}"], ["--unit-field", "ROMFS1=mac@0+64", "--unit-field", "ROMFS1=uid@63+64"], "over another"),
                ([f"ROMFS1={unit}"], ["--unit-field", "ROMFS1=order@0+4"], "serial, mac or uid"),
                ([f"ROMFS1={unit}"], ["--unit-field", "ROMFS1=mac@0+4:hex"], "is not of the form")):
            done = subprocess.run([CTL, "recipe", "build", "-b", "openmv-ae3", "-n", "a", "-v", "1", *extra, "-o", f"{work}/o",
                                   *parts], capture_output=True, text=True)
            equal((done.returncode > 0, words in done.stderr, os.path.exists(f"{work}/o")), (True, True, False), done.stderr)


test.main()
