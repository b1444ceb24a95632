#!/usr/bin/env python3
"""Serials and MAC numbers: each is one unit's, whatever happens; Idempotency-Keys and If-Match, with kill -9 in between."""
import contextlib
import json
import os
import subprocess
import urllib.request

from harness import CTL, Refused, Rig, Tests, equal, until
from test_mes import Mes

test = Tests()


def refused(code, function, *words, **more):
    try:
        function(*words, **more)
    except Refused as got:
        equal(got.code, code)
        return got
    raise AssertionError(f"not refused: {code}")


def numbers(rig, kind="serial", key="value"):
    return {n["value"]: (n["state"], n["uid"]) for n in rig.rest(f"/numbers?kind={kind}&limit=1000")["items"]}


def again(rig, number, states, before):
    """Plugged in once more; the slot's next attempt."""
    rig.control(f"power-cycle {number} hold")
    return until(lambda: (lambda s: s if s["state"] in states and s["attempt"] != before["attempt"] else None)(
        rig.slots()[number - 1]), f"slot {number} in {states} once more")


@test
def pool():
    """from the pool: reserved at the start, bound by PASS, free again by all else, never given twice; a unit keeps what it has"""
    conf = "[numbers]\nserial = pool\nmac = pool\n"
    with Rig(cameras=3, speed="instant", more=conf, start=False, program="already_passed = allow\nretries = 0\nhold_after = 0") as rig:
        rig.prepare()
        rig.start(cameras=3)
        slots = rig.wait_rest()
        equal([(s["state"], s["code"]) for s in slots], [("refused", "numbers-exhausted")] * 3)
        head = {"Idempotency-Key": "numbers-1"}
        body = {"kind": "serial", "values": [f"CAM-{n}" for n in range(1, 4)]}
        added = rig.rest("/numbers", body, "POST", headers=head)
        equal((added, rig.rest("/numbers", body, "POST", headers=head)), ({"kind": "serial", "given": 3, "added": 3},) * 2)
        refused("key-reused", rig.rest, "/numbers", {**body, "values": ["CAM-9"]}, "POST", headers=head)
        rig.rest("/numbers", {"kind": "mac", "values": [f"02:00:00:00:00:0{n}" for n in range(1, 4)]}, "POST")
        rig.rest("/numbers/void", {"kind": "serial", "value": "CAM-2", "reason": "label torn"}, "POST")
        refused("number-taken", rig.rest, "/numbers/void", {"kind": "serial", "value": "CAM-2"}, "POST")
        equal(rig.rest("/numbers/counts"), {"serial": {"free": 2, "listed": 0, "reserved": 0, "bound": 0, "void": 1},
                                            "mac": {"free": 3, "listed": 0, "reserved": 0, "bound": 0, "void": 0}})
        equal(rig.rest("/station")["numbers"], {"serial": "pool", "mac": "pool"})
        # one that fails gives its number back
        rig.control("fault camera=1 at=dnload times=9 do=status:errWRITE")
        slots[0] = again(rig, 1, {"failed"}, slots[0])
        equal(numbers(rig)["CAM-1"], ("free", None))
        rig.control("clear 1")
        for n in (1, 2):
            rig.control(f"power-cycle {n} hold")
        passed = [until(lambda n=n: (lambda s: s if s["state"] == "passed" else None)(rig.slots()[n]), "passed") for n in (0, 1)]
        now, macs = numbers(rig), numbers(rig, "mac")
        equal({now["CAM-1"], now["CAM-3"]}, {("bound", s["uid"]) for s in passed})
        equal(now["CAM-2"], ("void", None))
        equal(sorted(v[0] for v in macs.values()), ["bound", "bound", "free"])
        equal(rig.rest("/numbers/counts")["serial"], {"free": 0, "listed": 0, "reserved": 0, "bound": 2, "void": 1})
        for s in passed:
            unit = rig.rest(f"/units/{s['uid']}")
            equal((now[unit["serial"]], macs[unit["mac"]]), (("bound", s["uid"]),) * 2)
            equal(s["serial"], unit["serial"])
        # a third one finds none; a unit that has its numbers needs no other
        equal(again(rig, 3, {"refused"}, slots[2])["code"], "numbers-exhausted")
        again(rig, 1, {"passed"}, passed[0])
        equal(numbers(rig), now)
        refused("number-taken", rig.rest, f"/units/{passed[0]['uid']}/serial", {"serial": "CAM-2"}, "POST")
        equal(rig.rest(f"/numbers?uid={passed[0]['uid']}")["items"][0]["attempt"], passed[0]["attempt"])


@test
def scanned():
    """scan then plug, and scan with the slot's label: the unit gets that serial; another unit's is refused, none is waited for"""
    conf = "[numbers]\nserial = scan\nmac = pool\n"
    with Rig(cameras=2, speed="instant", more=conf, start=False, program="already_passed = allow") as rig:
        rig.prepare()
        rig.start()
        rig.rest("/numbers", {"kind": "mac", "values": ["02:00:00:00:00:01", "02:00:00:00:00:02"]}, "POST")
        waits = [rig.wait_slot(n, {"asking"}) for n in (1, 2)]
        equal([s["code"] for s in waits], ["serial-missing"] * 2)
        rig.rest("/slots/2/serial", {"serial": "S-2"}, "POST")
        equal(rig.wait_slot(2, {"passed"})["serial"], "S-2")
        rig.rest("/slots/1/serial", {"serial": "S-2"}, "POST")
        slot = rig.wait_slot(1, {"refused"})
        equal(slot["code"], "number-taken")
        equal(rig.rest("/slots/1/serial", {"serial": None}, "POST")["scanned"], None)
        rig.rest("/scan", {"serial": "S-1"}, "POST")
        equal(again(rig, 1, {"passed"}, slot)["serial"], "S-1")
        # what was scanned for a unit that has another one shows a mistake
        rig.rest("/slots/2/serial", {"serial": "S-9"}, "POST")
        equal(again(rig, 2, {"refused"}, rig.slots()[1])["code"], "number-taken")
        equal(numbers(rig), {"S-1": ("bound", rig.slots()[0]["uid"]), "S-2": ("bound", rig.slots()[1]["uid"])})
        equal({(n["kind"], n["source"]) for n in rig.rest("/numbers")["items"]}, {("serial", "scan"), ("mac", "pool")})
        refused("not-found", rig.rest, "/slots/9/serial", {"serial": "X"}, "POST")


@test
def from_the_mes():
    """the MES's serials: its own unit's is taken, one that it gave another unit before is not, nor is a unit built without one"""
    mes = Mes().start()
    conf = f"[mes]\ninterlock = refuse\ninterlock_url = http://127.0.0.1:{mes.port}/permit\n[numbers]\nserial = mes\n"
    with Rig(cameras=2, speed="instant", more=conf, options=mes.options(), start=False) as rig:
        mes.answer = lambda q: {"uid": q["uid"], "allow": True, "serial": "M-1"}
        rig.prepare()
        rig.start()
        slots = rig.wait_rest()
        equal(sorted((s["state"], s["code"]) for s in slots), [("passed", "ok"), ("refused", "number-taken")])
        late = next(s for s in slots if s["state"] == "refused")
        mes.answer = lambda q: {"uid": q["uid"], "allow": True}
        late = again(rig, late["slot"], {"refused"}, late)
        equal(late["code"], "serial-missing")
        # of a batch's list only what is on it
        batch = rig.rest("/batches?state=open")["items"][0]
        rig.rest(f"/batches/{batch['id']}/close", {}, "POST")
        open_listed(rig, batch["recipe"], ["M-2", "M-3"])
        mes.answer = lambda q: {"uid": q["uid"], "allow": True, "serial": "M-7"}
        late = again(rig, late["slot"], {"refused"}, late)
        equal(late["code"], "serial-not-listed")
        mes.answer = lambda q: {"uid": q["uid"], "allow": True, "serial": "M-3"}
        equal(again(rig, late["slot"], {"passed"}, late)["serial"], "M-3")
        equal(sorted(numbers(rig)), ["M-1", "M-2", "M-3"])
    mes.close()


def open_listed(rig, sha, serials, quantity=1, headers=None):
    body = {"order": "WO-L", "recipe": sha, "quantity": quantity, "serials": serials}
    return rig.rest("/batches", body, "POST", headers=headers)


def counts(rig, batch):
    """bound, reserved, free, void, moved: they come to listed."""
    serials = rig.rest(f"/batches/{batch}")["serials"]
    got = [serials[key] for key in ("bound", "reserved", "free", "void", "moved")]
    equal(sum(got), serials["listed"], "listed")
    return got


def given(rig, serial):
    """How many attempts have reserved it."""
    with contextlib.closing(rig.database()) as db:
        return db.execute("SELECT count(*) FROM attempts WHERE new_serial = ?", (serial,)).fetchone()[0]


def told(rig, seq):
    """What the stream says of that row."""
    request = urllib.request.Request(f"{rig.url}/api/v1/events", headers={"Last-Event-ID": str(int(seq) - 1)})
    with urllib.request.urlopen(request, timeout=60) as stream:
        for line in stream:
            if line.startswith(b"data: ") and b'"quantity"' in line:
                return line
    raise AssertionError("the stream ended")


@test
def list_checked():
    """a list: each serial once, enough of them, all free, else no batch; whole after a kill -9; nobody is told all of it unasked"""
    with Rig(cameras=0, start=False, options=["--respawn"]) as rig:
        rig.start()
        sha, other = rig.upload(rig.recipe()), rig.upload(rig.recipe(name="m4", board="openmv-m4", files={"main.py": b"x\n"}))
        rig.rest("/numbers", {"kind": "serial", "values": ["P-1", "P-2"]}, "POST")
        rig.rest("/numbers/void", {"kind": "serial", "value": "P-1", "reason": "torn"}, "POST")
        before = numbers(rig)
        for serials, quantity, words in (
                ([], 1, ("0 serials", "quantity of 1")), (["A"], 2, ("1 serials", "quantity of 2")), (["A", "B", "A"], 2, ("A is", "twice")),
                (["A", "\u0001"], 1, ("serial 2", "control")), (["A", "x" * 65], 1, ("serial 2",)), (["A", 7], 1, ("serial 2",)),
                (["A", ""], 1, ("serial 2",)), ([f"{n}" for n in range(65001)], 1, ("at most 65000",))):
            said = refused("bad-request", open_listed, rig, sha, serials, quantity).problem["detail"]
            assert all(word in said for word in words), said
        for serials in ("A", {"A": 1}, None):
            refused("json-invalid", open_listed, rig, sha, serials)
        assert "P-1 (void)" in refused("number-taken", open_listed, rig, sha, ["A", "P-1"]).problem["detail"]
        equal((numbers(rig), rig.rest("/batches")["items"]), (before, []), "nothing was written")
        key = {"Idempotency-Key": "list-1"}
        first = open_listed(rig, sha, ["L-3", "P-2", "L-1"], 2, key)
        refused("key-reused", open_listed, rig, sha, ["L-3", "P-2"], 2, key)
        rig.kill()
        equal(open_listed(rig, sha, ["L-3", "P-2", "L-1"], 2, key), first)
        batch = first["id"]
        equal([n["value"] for n in rig.rest(f"/numbers?batch={batch}")["items"]], ["L-3", "P-2", "L-1"])
        equal(rig.rest("/numbers/counts")["serial"], {"free": 0, "listed": 3, "reserved": 0, "bound": 0, "void": 1})
        assert f"L-1 (of batch {batch})" in refused("number-taken", open_listed, rig, other, ["L-1"]).problem["detail"]
        # what is left of it when it is closed may be another batch's
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        later = open_listed(rig, other, ["L-1"])["id"]
        equal((counts(rig, batch), counts(rig, later)), ([0, 0, 2, 0, 1], [0, 0, 1, 0, 0]))
        equal([left["serial"] for left in rig.rest(f"/batches/{batch}/report")["serials_left"]], ["L-3", "P-2"])
        # a long one: the stream, the audit, a page of it
        long = open_listed(rig, sha, [f"{n:011}" for n in range(19999, -1, -1)], 20000)["id"]
        line = told(rig, long)
        assert len(line) < 2000 and b'"listed":20000' in line, line[:3000]
        details = rig.rest("/audit?what=batch-opened&limit=1")["items"][0]["details"]
        assert details["listed"] == 20000 and "serials" not in details, list(details)
        equal(rig.rest(f"/numbers?batch={long}&limit=1")["items"][0]["value"], "00000019999")
        rig.kill()
        equal(counts(rig, long), [0, 0, 20000, 0, 0])


@test
def list_given():
    """units get the list's serials and no others do, whatever fails or is killed in between; what is left of it is told"""
    with Rig(cameras=3, slots=["1-1.1", "1-1.2", "1-1.3"], speed="instant", start=False, options=["--respawn", "--windows", "0.3"],
             program="already_passed = allow\nretries = 0\nhold_after = 0") as rig:
        rig.start(mode="run")
        sha = rig.upload(rig.recipe())
        batch = open_listed(rig, sha, ["L-9", "L-1", "L-5", "L-2"], 4)["id"]
        first = again(rig, 1, {"passed"}, rig.wait_slot(1, {"running"}))
        equal(first["serial"], "L-9")
        # the next one of the list: reserved, free again when it fails or the station dies, then the unit's
        rig.control("fault camera=2 at=dnload times=9 do=status:errWRITE")
        failed = again(rig, 2, {"failed"}, rig.wait_slot(2, {"running"}))
        equal((failed["serial"], counts(rig, batch)), (None, [1, 0, 3, 0, 0]))
        rig.control("clear 2")
        rig.control("fault camera=2 at=dnload times=1000 do=silent")
        rig.control("power-cycle 2 hold")
        until(lambda: given(rig, "L-1") == 2, "it is reserved once more")
        rig.kill()
        rig.control("clear 2")
        equal(counts(rig, batch), [1, 0, 3, 0, 0])
        second = again(rig, 2, {"passed"}, rig.wait_slot(2, {"error"}))
        equal(second["serial"], "L-1")
        rig.rest("/numbers/void", {"kind": "serial", "value": "L-5", "reason": "torn"}, "POST")
        third = again(rig, 3, {"passed"}, rig.wait_slot(3, {"running"}))
        equal((third["serial"], counts(rig, batch)), ("L-2", [3, 0, 0, 1, 0]))
        equal(rig.rest(f"/batches/{batch}/report")["serials_left"],
              [{"serial": "L-5", "state": "void", "uid": None, "reason": "torn"}])
        # a unit of one list gets nothing of another, and none keeps it from being built without a list
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        batch = open_listed(rig, sha, ["N-1"])["id"]
        slot = again(rig, 1, {"refused"}, rig.slots()[0])
        equal(slot["code"], "serial-not-listed")
        assert "L-9" in slot["message"] and batch in slot["message"], slot["message"]
        equal(counts(rig, batch), [0, 0, 1, 0, 0])
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        rig.open_batch(sha)
        equal(again(rig, 1, {"passed"}, slot)["serial"], "L-9")


@test
def list_scanned():
    """scan: what is not on the list is asked for again; what is on it is no other batch's, and all given is said so"""
    with Rig(cameras=2, slots=["1-1.1", "1-1.2"], speed="instant", more="[numbers]\nserial = scan\n", start=False,
             options=["--windows", "0.3"]) as rig:
        rig.start(mode="run")
        sha = rig.upload(rig.recipe())
        batch = open_listed(rig, sha, ["S-1", "S-2"])["id"]
        rig.wait_slot(1, {"running"})
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, {"asking"})["code"], "serial-missing")
        rig.rest("/slots/1/serial", {"serial": "X"}, "POST")
        asks = until(lambda: (lambda s: s if s["state"] == "asking" and s["code"] == "serial-not-listed" else None)(rig.slots()[0]),
                     "it asks again")
        equal(asks["scanned"], None)
        rig.rest("/slots/1/serial", {"serial": "S-2"}, "POST")
        equal(rig.wait_slot(1, {"passed"})["serial"], "S-2")
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        rig.open_batch(sha)
        rig.wait_slot(2, {"running"})
        rig.control("power-cycle 2 hold")
        rig.wait_slot(2, {"asking"})
        rig.rest("/slots/2/serial", {"serial": "S-1"}, "POST")
        slot = rig.wait_slot(2, {"refused"})
        equal(slot["code"], "number-taken")
        assert f"list of batch {batch}" in slot["message"], slot["message"]
        equal(numbers(rig), {"S-1": ("free", None), "S-2": ("bound", rig.slots()[0]["uid"])})


@test
def etags():
    """a batch's ETag changes with it; If-Match refuses what was decided on an older one"""
    with Rig(cameras=0, start=False) as rig:
        rig.start()
        batch = rig.open_batch(rig.upload(rig.recipe()))

        def tag():
            with urllib.request.urlopen(f"{rig.url}/api/v1/batches/{batch}", timeout=30) as answer:
                return answer.headers["ETag"]
        old = tag()
        equal(tag(), old)
        rig.rest(f"/batches/{batch}/hold", {}, "POST", headers={"If-Match": old})
        assert tag() != old
        equal(refused("precondition-failed", rig.rest, f"/batches/{batch}/resume", {}, "POST", headers={"If-Match": old}).status, 412)
        refused("precondition-failed", rig.rest, f"/batches/{batch}/close", {}, "POST", headers={"If-Match": f'W/{tag()}'})
        refused("bad-request", rig.rest, f"/batches/{batch}/close", {}, "POST", headers={"If-Match": "x"})
        rig.rest(f"/batches/{batch}/resume", {}, "POST", headers={"If-Match": f'"1", {tag()}'})
        equal(rig.rest(f"/batches/{batch}/close", {}, "POST", headers={"If-Match": "*"})["state"], "closed")


@test
def by_command():
    """stationctl serial, shift, mes and label say what the API says"""
    with Rig(cameras=0, start=False) as rig:
        rig.start()

        def ctl(*words, status=0):
            done = subprocess.run([CTL, *words, "--url", rig.url], capture_output=True, text=True)
            equal(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
            return done.stdout + done.stderr
        listed = os.path.join(rig.work, "numbers")
        with open(listed, "w") as f:
            f.write("N-1\nN-2\r\n\nN-3")
        assert "added: 4" in ctl("serial", "add", "--file", listed, "N-4")
        assert "added: 0" in ctl("serial", "add", "N-4")
        assert "state: void" in ctl("serial", "void", "N-1", "--reason", "torn")
        assert "number-taken" in ctl("serial", "void", "N-1", status=1)
        equal([n["value"] for n in json.loads(ctl("serial", "list", "--status", "free", "--json"))["items"]], ["N-4", "N-2", "N-3"])
        image = rig.recipe()
        with open(listed, "w") as f:
            f.write("B-2\r\n\r\n  B-1 \r\nB-3")
        words = ("batch", "open", "--order", "WO-L", "--recipe", image, "--quantity")
        assert "bad-request" in ctl(*words, "4", "--serials", listed, status=1)
        assert "file-failed" in ctl(*words, "2", "--serials", f"{listed}-none", status=1)
        assert "serials: 3 listed, 0 bound, 0 reserved, 3 free, 0 void, 0 moved" in ctl(*words, "2", "--serials", listed)
        batch = rig.rest("/batches")["items"][0]["id"]
        assert "serials: 3 listed" in ctl("batch", "show", batch)
        equal([n["value"] for n in json.loads(ctl("serial", "list", "--batch", batch, "--json"))["items"]], ["B-2", "B-1", "B-3"])
        assert "seconds: 60" in ctl("serial", "scan", "S")
        assert "not-found" in ctl("serial", "scan", "--slot", "7", "S", status=1)
        assert "state: off" in ctl("shift") and "conflict" in ctl("shift", "start", status=1)
        assert "state: off" in ctl("mes") and "ROW" in ctl("mes", "parked") and "conflict" in ctl("mes", "resend", status=1)
        assert "not-found" in ctl("mes", "drop", "9", status=1)
        assert "not-found" in ctl("label", "9", "--reason", "torn", status=1)
        for words in (["serial"], ["serial", "add"], ["serial", "void"], ["label", "9"], ["mes", "drop"], ["shift", "begin"]):
            ctl(*words, status=2)


@test
def killed():
    """each write that creates, repeated with its key after a kill -9: the same answer, the thing is there once"""
    with Rig(cameras=0, start=False, options=["--respawn"]) as rig:
        rig.start()
        path = rig.recipe()
        with open(path, "rb") as f:
            image = f.read()

        def call(path, body, kind, key):
            request = urllib.request.Request(f"{rig.url}/api/v1{path}", data=body, method="POST",
                                             headers={"Content-Type": kind, "Idempotency-Key": key})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        octets, json_ = "application/octet-stream", "application/json"
        for path, body, kind in (("/recipes", image, octets), ("/numbers", b'{"kind":"mac","values":["A","B"]}', json_)):
            first = call(path, body, kind, "k" + path)
            equal(first[0], 201)
            rig.kill()
            equal(call(path, body, kind, "k" + path), first, f"{path} repeated")
        known = call("/recipes", image, octets, "k-known")
        equal(known[0], 200)
        rig.kill()
        equal(call("/recipes", image, octets, "k-known"), known)
        refused("key-reused", rig.rest, "/recipes", image + b"x", "POST", kind=octets, headers={"Idempotency-Key": "k-known"})
        sha = rig.rest("/recipes")["items"][0]["sha256"]
        body = b'{"order":"WO-1","recipe":"%s","quantity":5}' % sha.encode()
        first = call("/batches", body, json_, "k-batch")
        rig.kill()
        equal(call("/batches", body, json_, "k-batch"), first)
        equal([len(rig.rest(p)["items"]) for p in ("/recipes", "/batches", "/numbers")], [1, 1, 2])


test.main()
