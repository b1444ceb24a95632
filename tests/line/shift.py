#!/usr/bin/env python3
"""Shifts and their challenge units; labels on PASS and once more."""
import json
import os

from harness import Refused, Rig, Tests, equal, until

test = Tests()


def refused(code, function, *words, **more):
    try:
        function(*words, **more)
    except Refused as got:
        equal(got.code, code)
        return
    raise AssertionError(f"not refused: {code}")


def write(path, text, mode=0o644):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


@test
def challenge():
    """nothing is built, no batch opened before each challenge unit has shown its verdict; a kill in between forgets nothing"""
    with Rig(cameras=3, speed="instant", start=False, options=["--respawn"], program="retries = 0\nhold_after = 0") as rig:
        _, sha, batch = rig.prepare()
        rig.start(mode="run")
        rig.wait_slot(1, {"running"})
        uids = [c["uid"] for c in rig.control("state")["cameras"]]
        equal(rig.rest("/shift"), {"state": "off", "shift": None})
        refused("conflict", rig.rest, "/shift/start", {}, "POST")
        equal(rig.stop(), 0, "exit status")
        path = write(f"{rig.work}/challenge.json", json.dumps({"units": [
            {"uid": uids[0], "verdict": "PASS", "code": "ok"}, {"uid": uids[1], "verdict": "FAIL", "code": "flash-error"}]}))
        with open(rig.config, "a") as f:
            f.write(f"[shift]\nchallenge = {path}\n")
        rig.start()
        slots = rig.wait_rest()
        equal([(s["state"], s["code"]) for s in slots], [("refused", "shift-closed")] * 3)
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        refused("shift-closed", rig.open_batch, sha)
        equal(rig.rest("/shift/start", {}, "POST")["state"], "challenge")
        refused("conflict", rig.rest, "/shift/start", {}, "POST")
        for n in (1, 2, 3):
            rig.rest(f"/slots/{n}/disable", {}, "POST")
            rig.control(f"power-cycle {n} hold")
            until(lambda n=n: rig.slots()[n - 1]["camera"] == "bootloader", "it is in its bootloader")
        # to none but its own units, before anything is erased
        flash = rig.dump(3, "ROMFS0")
        rig.rest("/slots/3/deploy", {"recipe": sha, "challenge": True}, "POST")
        equal(rig.wait_slot(3, {"refused"})["code"], "not-challenge")
        equal(rig.dump(3, "ROMFS0"), flash, "its flash is as it was")
        rig.rest("/slots/1/deploy", {"recipe": sha, "challenge": True}, "POST")
        rig.wait_slot(1, {"passed"})
        address = f"{rig.state}/http.address"
        os.unlink(address)
        os.kill(rig.station_pid(), 9)
        until(lambda: os.path.exists(address) and os.path.getsize(address), "the station is back")
        rig.find_url()
        # the second one passes, which it must not
        until(lambda: rig.slots()[1]["camera"] == "bootloader", "it is in its bootloader")
        rig.rest("/slots/2/deploy", {"recipe": sha}, "POST")
        rig.wait_slot(2, {"passed"})
        now = rig.rest("/shift")
        equal([(u["met"], u["shown_verdict"]) for u in now["shift"]["units"]], [(True, "PASS"), (False, "PASS")])
        equal(now["state"], "challenge")
        refused("shift-closed", rig.open_batch, sha)
        rig.control("fault camera=2 at=dnload times=9 do=status:errWRITE")
        rig.control("power-cycle 2 hold")
        until(lambda: rig.slots()[1]["camera"] == "bootloader", "it is in its bootloader")
        other = rig.upload(rig.recipe(name="other", files={"main.py": b"pass\n" * 4000}))
        rig.rest("/slots/2/deploy", {"recipe": other}, "POST")
        rig.wait_slot(2, {"failed"})
        equal(rig.rest("/shift")["state"], "open")
        refused("conflict", rig.rest, "/slots/1/deploy", {"recipe": sha, "challenge": True}, "POST")
        rig.open_batch(sha)
        equal(rig.rest("/shift/end", {}, "POST")["state"], "none")
        rig.rest("/slots/1/enable", {}, "POST")
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, {"refused"})["code"], "shift-closed")


@test
def configuration():
    """a challenge that no attempt can meet, a label's command without a path or with an unknown word: refused at the start"""
    for section, word in (("[shift]\nchallenge = {work}/x\n", "cannot"), ("[label]\ncommand = lp {{serial}}\n", "whole path"),
                          ("[label]\ncommand = /bin/echo {{serial}} {{secret}}\n", "what is"), ("[shift]\nchallenge = {work}/c\n", "no attempt ends")):
        rig = Rig(cameras=0, start=False)
        write(f"{rig.work}/c", '{"units":[{"uid":"1","verdict":"PASS","code":"no-batch"}]}')
        with open(rig.config, "a") as f:
            f.write(section.format(work=rig.work))
        try:
            rig.start()
            raise AssertionError(f"started with {section}")
        except AssertionError as error:
            equal("the station ended with 1" in str(error), True, str(error))
        with open(f"{rig.work}/log", errors="replace") as f:
            assert word in f.read(), section
        rig.process = None


@test
def labels():
    """PASS prints a label, a reason prints it again; a printer that fails or hangs changes no verdict and shows"""
    with Rig(cameras=1, speed="instant", start=False, more="[numbers]\nserial = scan\n", program="already_passed = allow") as rig:
        printer = write(f"{rig.work}/print", f'#!/bin/sh\ntest -e {rig.work}/broken && {{ echo "no paper" >&2; exit 3; }}\n'
                        f'test -e {rig.work}/stuck && sleep 60\nprintf "%s\\n" "$@" >> {rig.work}/labels\n', 0o755)
        with open(rig.config, "a") as f:
            f.write(f"[label]\ncommand = {printer} --t={{serial}} {{uid}} {{order}}/{{slot}} $(id) {{mac}};\ndeadline = 1\n")
        rig.prepare()
        rig.start()
        rig.wait_slot(1, {"asking"})
        rig.rest("/slots/1/serial", {"serial": "S 1;`id`"}, "POST")
        slot = rig.wait_slot(1, {"passed"})

        def label(prints, code):
            def there():
                got = rig.rest(f"/attempts/{slot['attempt']}")["label"]
                return got if got and (got["prints"], got["code"]) == (prints, code) else None
            return until(there, f"{prints} labels, {code}")

        def printed():
            with open(f"{rig.work}/labels") as f:
                return f.read().splitlines()
        equal(label(1, "ok")["reason"], None)
        equal(printed(), ["--t=S 1;`id`", slot["uid"], "WO-1/1", "$(id)", ";"])
        again = f"/attempts/{slot['attempt']}/label"
        equal(rig.rest(again, {"reason": "torn"}, "POST")["verdict"], "PASS")
        equal(label(2, "ok")["reason"], "torn")
        write(f"{rig.work}/broken", "")
        rig.rest(again, {"reason": "third"}, "POST")
        got = label(2, "label-failed")
        assert "no paper" in got["message"], got
        os.unlink(f"{rig.work}/broken")
        write(f"{rig.work}/stuck", "")
        rig.rest(again, {"reason": "fourth"}, "POST")
        until(lambda: "not done" in (rig.rest(f"/attempts/{slot['attempt']}")["label"]["message"] or ""), "it is given up")
        equal((rig.slots()[0]["state"], len(printed())), ("passed", 10))
        refused("not-found", rig.rest, "/attempts/999999/label", {"reason": "x"}, "POST")
        refused("bad-request", rig.rest, again, {"reason": ""}, "POST")
        refused("json-invalid", rig.rest, again, {}, "POST")
        rig.rest(again, {"reason": "fifth"}, "POST")  # the stop does not wait for it


test.main()
