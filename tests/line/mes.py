#!/usr/bin/env python3
"""What the MES is told and asked: an MES that drops, delays, repeats and lies loses nothing, doubles nothing and is
obeyed in nothing else."""
import json
import os
import random
import re
import time
import urllib.request

from harness import Refused, Tests, equal, until
from test_mes import Mes, rig_with, signature_fits

test = Tests()
TOLD = ("attempt-started", "attempt-ended", "attempt-refused", "batch-opened", "batch-held", "batch-resumed", "batch-closed")


def told_rows(rig):
    with rig.database() as db:
        start = db.execute("SELECT seq FROM mes_start").fetchone()[0]
        return [(seq, kind) for seq, kind in db.execute("SELECT seq, kind FROM journal WHERE seq > ? ORDER BY seq", (start,))
                if kind in TOLD]


def all_told(rig):
    """The queue is empty, in front of a journal that has come to rest."""
    until(lambda: rig.rest("/mes")["behind_rows"] == 0, "the MES has been told everything")


def nothing_lost(rig, mes, but=()):
    """Every row was taken, in its order, and after the UUIDs nothing twice."""
    first, uuids = [], {}
    for one in mes.taken:
        seq, uuid = int(one["body"]["seq"]), one["body"]["id"]
        equal(uuids.setdefault(seq, uuid), uuid, f"row {seq} has one UUID")
        equal((one["head"]["romline-event"], one["head"]["idempotency-key"]), (uuid, uuid), "headers")
        equal(signature_fits(one), True, f"the signature of row {seq}")
        if seq not in first:
            first.append(seq)
    equal(len(set(uuids.values())), len(uuids), "no two rows have one UUID")
    equal(first, [seq for seq, _ in told_rows(rig) if seq not in but], "rows taken, in their order")
    for one in mes.taken:
        equal(one["body"]["row"]["kind"], one["body"]["kind"], "the row itself")
        if one["body"]["kind"].startswith("attempt-"):
            equal(one["body"]["attempt"]["uid"], one["body"]["attempt"]["uid"], "the attempt")


@test
def misbehaves():
    """drops, delays, repeats, garbage, half and endless answers, redirects, 408, 429, 5xx: nothing lost, nothing doubled, in order"""
    mes = Mes().start()
    with rig_with(mes, cameras=2, more="deadline = 1") as rig:
        rig.prepare()
        mes.say("drop", "take-and-drop", "garbage", "half", "huge", "headers", "mute", "status 503", "status 500",
                "status 408", "status 429 Retry-After=2", "take-and-drop")
        rig.start()
        rig.wait_rest()

        def hurried():
            if mes.script and mes.script[0] != "status 429 Retry-After=2" and mes.seen[-1]["how"][:10] != "status 429":
                rig.rest("/mes/resend", {}, "POST")
            return not mes.script and rig.rest("/mes")["behind_rows"] == 0
        until(hurried, "everything was met and told")
        nothing_lost(rig, mes)
        late = next(i for i, one in enumerate(mes.seen) if one["how"].startswith("status 429"))
        assert mes.seen[late + 1]["at"] - mes.seen[late]["at"] >= 1.9, "Retry-After is honoured"
        view = rig.rest("/station")["mes"]
        equal((view["state"], view["parked"], view["last_error"]), ("idle", 0, None))
        assert view["failed"] >= 8, view
    mes.close()


@test
def parked():
    """what the MES will not take is parked, with an event, and those behind it go on; a person sends it again or drops it"""
    mes = Mes().start()
    with rig_with(mes) as rig:
        mes.rules = {"batch-opened": "status 400", "attempt-ended": "status 302 Location=/elsewhere"}
        rig.prepare()
        rig.start()
        rig.wait_rest()
        until(lambda: rig.rest("/mes")["parked"] == 2, "two events are parked")
        all_told(rig)
        mes.rules = {}
        equal(len({one["target"] for one in mes.seen}), 1, "no redirect is followed")
        rows = [seq for seq, _ in told_rows(rig)]
        items = rig.rest("/mes/parked")["items"]
        equal([i["status"] for i in items], [400, 302], "parked")
        gone = [int(i["row"]) for i in items]
        nothing_lost(rig, mes, but=gone)
        with rig.database() as db:
            equal(db.execute("SELECT count(*) FROM station_events WHERE code = 'mes-parked'").fetchone()[0], len(items))
        rig.rest(f"/mes/parked/{items[0]['row']}/drop", {}, "POST")
        try:
            rig.rest(f"/mes/parked/{items[0]['row']}/drop", {}, "POST")
            raise AssertionError("dropped twice")
        except Refused as refused:
            equal(refused.code, "not-found")
        rig.rest("/mes/resend", {}, "POST")
        until(lambda: not rig.rest("/mes/parked")["items"], "the others are taken now")
        taken = {int(one["body"]["seq"]) for one in mes.taken}
        equal(taken, set(rows) - {gone[0]}, "rows taken in the end")
    mes.close()


@test
def killed():
    """nobody listens for long, the station is killed in mid-work again and again: all is told afterwards, once by its UUID"""
    dice, mes = random.Random(7), Mes()
    with rig_with(mes, cameras=2, line=["--respawn", "--windows", "0.3"], program="already_passed = allow\nhold_after = 0") as rig:
        rig.prepare()
        rig.start()

        def kill(after):
            time.sleep(after)
            address = f"{rig.state}/http.address"
            os.unlink(address)
            os.kill(rig.station_pid(), 9)
            until(lambda: os.path.exists(address) and os.path.getsize(address), "the station is back")
            rig.find_url()
        kill(0.5)
        mes.start()
        for n in range(6):
            mes.say(*dice.choices(["ok", "take-and-drop", "drop", "status 503"], k=3))
            rig.control(f"power-cycle {n % 2 + 1} hold")
            kill(dice.uniform(0.1, 1))
        with mes.lock:
            mes.script.clear()
        for n in (1, 2):
            rig.control(f"power-cycle {n} hold")
            rig.wait_slot(n, {"passed"})
        os.unlink(f"{rig.state}/mes.json")  # its place is lost: all is told once more, with the same UUIDs
        kill(0)
        rig.rest("/mes/resend", {}, "POST")
        all_told(rig)
        nothing_lost(rig, mes)
    mes.close()


def again(rig, **keys):
    """Stops the station, and starts it with keys of its configuration changed."""
    equal(rig.stop(), 0, "exit status")
    with open(rig.config) as f:
        conf = f.read()
    for key, value in keys.items():
        conf = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", conf)
    with open(rig.config, "w") as f:
        f.write(conf)
    rig.start()


def next_attempt(rig, state):
    """Powers the camera anew, and waits for what becomes of that."""
    before = rig.slots()[0]["attempt"]
    rig.control("power-cycle 1 hold")
    return until(lambda: (lambda s: s if s["state"] == state and s["attempt"] != before else None)(rig.slots()[0]),
                 f"{state}, anew")


# A deadline that an answer is to meet must be long enough for a slow machine; one that is to pass in silence, short.
LONG, SHORT = 60, 1


@test
def interlock():
    """the interlock is asked before any erase: yes, no, no answer; by policy a silent MES refuses or is passed over and marked"""
    mes = Mes().start()
    ask = (f"interlock_url = http://127.0.0.1:{mes.port}/permit\ndeadline = {SHORT}\nevents =\ninterlock = refuse")
    with rig_with(mes, more=ask, program="already_passed = refuse") as rig:
        rig.prepare()
        mes.answer = lambda q: {"uid": q["uid"], "allow": False, "message": "step 30\n\u202eis  missing"}
        rig.start()
        equal(rig.wait_rest()[0]["state"], "refused")
        empty = rig.dump(1, "ROMFS0")[:4]
        # no answer in many forms, each until the deadline: nothing is erased
        for how in ("lie-another", "status 302 Location=/permit", "half", "huge"):  # the others: t_permit.c
            asked = len(mes.seen)
            for _ in range(60):  # who is too slow to ask within the deadline is to try once more
                mes.say(*[how] * 40)
                equal(next_attempt(rig, "refused")["code"], "mes-silent", how)
                with mes.lock:
                    mes.script.clear()
                if len(mes.seen) > asked:
                    break
            assert len(mes.seen) > asked, f"never asked: {how}"
        equal(rig.dump(1, "ROMFS0")[:4], empty, "its flash is as it was")
        again(rig, deadline=LONG)
        slot = rig.wait_rest()[0]
        equal((slot["state"], slot["code"], slot["message"]), ("refused", "mes-refused", "step 30 is missing"))
        question = mes.seen[-1]["body"]
        equal((question["uid"], question["slot"], question["order"], question["station"]), (slot["uid"], 1, "WO-1", "test"))
        equal(signature_fits(mes.seen[-1]), True, "it is signed")
        equal(rig.dump(1, "ROMFS0")[:4], empty, "its flash is as it was")
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal((attempt["permit"], attempt["permit_message"], attempt["message"]), (None, None, "step 30 is missing"))
        mes.answer = lambda q: {"uid": q["uid"], "allow": True, "valid_s": 600, "message": "mind\x1b the\u2028lens " + "\u00fc" * 100}
        line = "mind the lens " + "\u00fc" * 71 + "\u2026"  # 159 bytes
        mes.say("status 503", "drop")  # asked again within the deadline
        slot = next_attempt(rig, "passed")
        equal((rig.rest(f"/attempts/{slot['attempt']}")["permit"], slot["permit"]), ("granted",) * 2)
        equal(rig.rest(f"/attempts/{slot['attempt']}")["permit_message"], line)
        again(rig, interlock="allow", already_passed="allow")
        slot = rig.wait_slot(1, {"passed"})
        equal(rig.rest(f"/attempts/{slot['attempt']}")["permit"], "granted")
        with urllib.request.urlopen(f"{rig.url}/api/v1/units/{slot['uid']}/log", timeout=60) as log:
            equal(f"MES said      {line}\n" in log.read().decode(), True, "the unit's log")
        asked = len(mes.seen)
        mes.close()  # from here on nobody is there; what was allowed for a while still holds
        with mes.lock:
            mes.script += ["drop"] * 1000
        slot = next_attempt(rig, "passed")
        equal((rig.rest(f"/attempts/{slot['attempt']}")["permit"], slot["permit"], len(mes.seen)), ("cached", "cached", asked))
        equal(rig.rest(f"/attempts/{slot['attempt']}")["permit_message"], line, "what it said then")
        batch = rig.rest("/batches?state=open")["items"][0]
        rig.rest(f"/batches/{batch['id']}/close", {}, "POST")
        rig.open_batch(batch["recipe"], 10, "WO-2")  # an allowance is for one batch
        again(rig, deadline=SHORT)
        slot = rig.wait_slot(1, {"passed"})
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal((attempt["permit"], slot["permit"], attempt["permit_message"]), ("silent", "silent", None))


@test
def not_others():
    """a slot that waits for the MES holds up no other: of two cameras one is asked about for long, the other passes"""
    mes = Mes().start()
    first = []

    def slow(question):
        if not first:
            first.append(question["slot"])
            until(lambda: rig.slots()[2 - question["slot"]]["state"] == "passed", "the other one passes")
        return {"uid": question["uid"], "allow": True}
    mes.answer = slow
    ask = f"interlock_url = http://127.0.0.1:{mes.port}/permit\ndeadline = 60\nevents =\ninterlock = refuse"
    with rig_with(mes, cameras=2, more=ask) as rig:
        rig.prepare()
        rig.start()
        equal([s["state"] for s in rig.wait_rest()], ["passed", "passed"])
    mes.close()


@test
def configuration():
    """a webhook that is no address, an interlock without one, an unknown event, a secret that others may read: refused at the start"""
    mes = Mes()
    for more, word in (("interlock = refuse", "interlock_url"), ("events = attempt-begun", "attempt-begun"),
                       ("events = mes-parked", "mes-parked"), ("interlock_url = ftp://x", "interlock_url")):
        rig = rig_with(mes, more=more)
        try:
            rig.start()
            raise AssertionError(f"started with {more}")
        except AssertionError as error:
            equal("the station ended with 1" in str(error), True, str(error))
        with open(f"{rig.work}/log", errors="replace") as f:
            assert word in f.read(), more
        rig.process = None


test.main()
