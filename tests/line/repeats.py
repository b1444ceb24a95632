#!/usr/bin/env python3
"""Every request that changes something, with kill -9 around its answer: repeated with its Idempotency-Key it has its
effect exactly once and its answer is the first one's.

The table of operations is held against openapi.json, so that a new one without a row here fails.  All of a station's
operations are sent at once, each on a connection of its own, and the station is killed: while they are half sent, when
their rows are on disk and nobody has read an answer, and at instants in between.  Wherever the kill falls, the same must
hold afterwards."""
import contextlib
import json
import os
import signal
import socket
import sqlite3
import time

from auditor import INTACT, Signatures, our_verdict
from contract import Contract
from harness import RESTING, Rig, Tests, equal, until
from shim import Trouble
from test_mes import Mes, rig_with

test = Tests()
CONTRACT = Contract()
LIMIT_S = 60
HALF, COMMITTED = "half sent", "on disk"
INSTANTS = (0, 0.001, 0.003, 0.008, 0.02, 0.06)  # seconds after the last byte
PHASES = [HALF, COMMITTED, *INSTANTS]
# What has no effect that a restart would keep, and so no key: repeated, it is simply done again.  So is a change of one's own
# PIN, which the badge proves each time; the old PIN proves it once.
KEYLESS = {"/session", "/session/end", "/session/pin", "/images", "/mes/resend"}


class Shot:
    """One request.  once: (kind, members) of the rows that it may leave exactly one of; same: members of its answer that
    stay; fine: the statuses of a repeat; patient: an order that is repeated until the slot can take it (409 meanwhile)."""

    def __init__(self, row, path, body=None, once=None, same=(), fine=(200,), prove=None, data=None, patient=False):
        self.row, self.path, self.once, self.same, self.fine, self.prove = row, path, once, same, fine, prove
        self.patient = patient
        self.data = data if data is not None else json.dumps(body or {}).encode()
        self.kind = "application/octet-stream" if data is not None else "application/json"
        self.key, self.link, self.first, self.since = None, None, None, 0

    def request(self, host, data=None):
        key = f"Idempotency-Key: {self.key}\r\n" if self.row not in KEYLESS else ""
        data = self.data if data is None else data
        return (f"POST /api/v1{self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {self.kind}\r\n{key}"
                f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n").encode() + data

    def connect(self, host):
        name, port = host.split(":")
        return socket.create_connection((name, int(port)), timeout=LIMIT_S)

    def send(self, host, whole):
        self.link = self.connect(host)
        data = self.request(host)
        self.link.sendall(data if whole else data[:-1])

    def collect(self):
        """What came back before the kill, if it is whole."""
        self.first = read_answer(self.link)

    def ask(self, host, data=None):
        with self.connect(host) as link:
            link.sendall(self.request(host, data))
            answer = read_answer(link)
        assert answer, f"{self.path}: no answer"
        return answer


def read_answer(link):
    """(status, JSON) or None."""
    got = b""
    with contextlib.suppress(OSError):
        while piece := link.recv(65536):
            got += piece
    link.close()
    head, _, body = got.partition(b"\r\n\r\n")
    with contextlib.suppress(ValueError, IndexError):
        return int(head.split()[1]), json.loads(body)
    return None


class Line:
    """A station that is killed and started again, and what its journal says."""

    def __init__(self, rig):
        self.rig = rig
        self.signatures = Signatures(f"{rig.state}/station.key.pub", rig.work)
        self.kills = 0
        with open(f"{rig.work}/checkpoints", "ab"):  # there may be none before the first stop
            pass

    def host(self):
        return self.rig.url.removeprefix("http://")

    def kill(self):
        address = f"{self.rig.state}/http.address"
        pid = self.rig.station_pid()
        os.unlink(address)
        os.kill(pid, signal.SIGKILL)
        self.kills += 1

    def back(self):
        address = f"{self.rig.state}/http.address"
        until(lambda: os.path.exists(address) and os.path.getsize(address), "the station is back")
        self.rig.find_url()
        verdict = our_verdict(f"{self.rig.state}/journal.db", f"{self.rig.work}/checkpoints", self.signatures)
        equal(verdict[0], INTACT, f"the auditor says {verdict}")

    def rows(self, since=0):
        with contextlib.closing(self.rig.database()) as db:
            return [(seq, kind, json.loads(body)) for seq, kind, body in
                    db.execute("SELECT seq, kind, body FROM journal WHERE seq > ? ORDER BY seq", (since,))]

    def keys(self):
        """Keys that are on disk."""
        with contextlib.suppress(sqlite3.OperationalError):
            return {body["key"] for _, _, body in self.rows() if body.get("key")}
        return set()

    def newest(self):
        return self.rows()[-1][0]


def matches(body, members):
    return all(body.get(name) == value for name, value in members.items())


def rows_once(line, shot):
    """The row is there exactly once, and so is the key."""
    rows = line.rows()
    kind, members = shot.once
    found = [seq for seq, k, body in rows if k == kind and matches(body, members) and seq > shot.since]
    equal(len(found), 1, f"{shot.path}: rows {kind} {members}")
    equal([seq for seq, _, body in rows if body.get("key") == shot.key], found, f"{shot.path}: rows with its key")


def ordered_once(slot, order, attempts=None):
    """An order is repeated only where a stop of the station took it from memory before it led to an attempt."""
    def prove(line, shot):
        rows = line.rows(shot.since)
        mine = [seq for seq, kind, body in rows if kind == "slot-ordered" and body.get("key") == shot.key]
        begun = [(seq, body) for seq, kind, body in rows
                 if kind in ("attempt-started", "attempt-refused") and body["slot"] == slot]
        starts = [seq for seq, kind, _ in rows if kind == "station-started"]
        equal(len(mine) >= 1, True, f"{order}: no row")
        for one, two in zip(mine, mine[1:]):
            equal(any(one < s < two for s in starts), True, f"{order}: twice in one run")
            equal([s for s, _ in begun if one < s < two], [], f"{order}: given again though an attempt had followed")
        if attempts:
            until(lambda: [b for s, k, b in line.rows(shot.since) if k == "attempt-started" and b["slot"] == slot],
                  f"{order} leads to an attempt")
            found = [b for s, k, b in line.rows(shot.since) if k == "attempt-started" and b["slot"] == slot]
            equal([b.get("attempt_kind") for b in found], [attempts], f"{order}: attempts")
    return prove


def fire(line, shots, phase):
    """Sends all, kills the station somewhere, starts it again, repeats all, and looks."""
    host = line.host()
    for number, shot in enumerate(shots):
        shot.key, shot.since = f"{line.kills}-{number}", line.newest()
    for shot in shots:
        shot.send(host, phase != HALF)
    if phase == COMMITTED:
        want = {s.key for s in shots if s.row not in KEYLESS}
        until(lambda: want <= line.keys(), f"all have their rows; not so {sorted(s.path for s in shots if s.key in want - line.keys())}")
    elif phase != HALF:
        time.sleep(phase)
    line.kill()
    for shot in shots:
        shot.collect()
    line.back()
    if phase == HALF:
        equal(line.keys() & {s.key for s in shots}, set(), "a request that was not whole had an effect")
    for shot in shots:
        look(line, shot, phase)


def look(line, shot, phase):
    what = f"{shot.path} {shot.data[:60]!r}, killed {phase}"
    if shot.patient:
        until(lambda: shot.ask(line.host())[0] in shot.fine, what)
    again, third = shot.ask(line.host()), shot.ask(line.host())
    equal(again[0] in shot.fine, True, f"{what}: {again}")
    for answer in (again, third, *([shot.first] if shot.first else [])):
        CONTRACT.check(shot.row, *answer)
    equal(third[0], again[0], f"{what}: the third time {third}")
    for name in shot.same if again[0] < 400 else ():
        equal(third[1][name], again[1][name], f"{what}: {name}")
    if shot.first and (shot.row not in KEYLESS or shot.first[0] in shot.fine):  # one login at a time: 429
        # what could not be done is not kept: after the restart it may be possible
        equal(again[0] in ({shot.first[0]} if shot.first[0] < 400 else {shot.first[0], *shot.fine}), True,
              f"{what}: first {shot.first}, then {again}")
        for name in shot.same if max(again[0], shot.first[0]) < 400 else ():
            equal(again[1][name], shot.first[1][name], f"{what}: {name}")
    if shot.row in KEYLESS or again[0] >= 400:
        return
    if shot.once:
        rows_once(line, shot)
    if shot.prove:
        shot.prove(line, shot)
    other = shot.ask(line.host(), shot.data + b" " if shot.kind == "application/json" else shot.data[:-1])
    equal((other[0], other[1]["code"]), (422, "key-reused"), f"{what}: another request with its key")


def covered(table):
    """Every POST of the description has a row."""
    writes = CONTRACT.posts()
    equal(table, set(writes), "operations with a row in this test, and in openapi.json")
    keyed = {path for path, operation in writes.items() if CONTRACT.takes_key(operation)}
    equal(keyed, table - KEYLESS, "operations that say that they take an Idempotency-Key")


# --- the line: slots, batches, units, labels, the MES ---------------------------------------------------------------

BOARDS = ("openmv-m4", "openmv-m7", "openmv-h7", "openmv-h7-plus")  # no camera of these is here
DISABLED, DEPLOYED, RETRIED, SCANNED, ABORTED, PASSED = range(1, 7)


def hold_in_bootloader(rig, slot):
    """It is seen to go first: one that is there may be the one from before."""
    rig.control(f"unplug {slot}")
    until(lambda: not rig.slots()[slot - 1]["camera"], f"slot {slot} is empty")
    rig.control(f"plug {slot} hold")
    until(lambda: (lambda s: s["camera"] == "bootloader" and s["state"] in RESTING | {"empty"})(rig.slots()[slot - 1]),
          f"slot {slot} waits in its bootloader")


class Things:
    """What a phase's requests are about: as it must be for each of them to be taken."""

    def __init__(self, rig, mes):
        self.rig, self.number = rig, 0
        sha = rig.upload(rig.recipe())
        self.deploy = sha
        self.shas = [rig.upload(rig.recipe(name="other", board=b, files={"main.py": b"x\n"})) for b in BOARDS]
        batch = rig.open_batch(sha)
        equal(rig.stop(), 0, "exit status")
        rig.start()
        self.passed = rig.wait_slot(PASSED, {"passed"})
        rig.rest(f"/batches/{batch}/close", {}, "POST")
        for slot in (DEPLOYED, ABORTED):
            rig.rest(f"/slots/{slot}/disable", {}, "POST")
        rig.control(f"unplug {SCANNED}")
        mes.rules = {"batch-held": "status 400"}

    def batch(self, board, *verbs):
        batch = self.rig.open_batch(self.shas[board], 5, f"WO-{board}-{self.number}")
        for verb in verbs:
            self.rig.rest(f"/batches/{batch}/{verb}", {}, "POST")
        return batch

    def shots(self):
        rig, self.number = self.rig, self.number + 1
        for batch in rig.rest("/batches?limit=100")["items"]:
            if batch["state"] != "closed":
                rig.rest(f"/batches/{batch['id']}/close", {}, "POST")
        if not rig.slots()[DISABLED - 1]["enabled"]:
            rig.rest(f"/slots/{DISABLED}/enable", {}, "POST")
        if rig.slots()[PASSED - 1]["enabled"]:
            rig.rest(f"/slots/{PASSED}/disable", {}, "POST")
        held, resumed, closed = self.batch(1), self.batch(2, "hold"), self.batch(3)
        parked = until(lambda: rig.rest("/mes/parked")["items"], "an event is parked")[0]["row"]
        rig.rest(f"/slots/{RETRIED}/disable", {}, "POST")
        for slot in (DEPLOYED, ABORTED, RETRIED):
            hold_in_bootloader(rig, slot)
        # one that failed, and stays for a retry
        rig.control(f"fault camera={RETRIED} at=dnload times=9 do=status:errWRITE")
        rig.rest(f"/slots/{RETRIED}/deploy", {"recipe": self.deploy}, "POST")
        rig.wait_slot(RETRIED, {"failed"})
        rig.rest(f"/slots/{RETRIED}/enable", {}, "POST")
        rig.control(f"fault camera={ABORTED} at=dnload times=1 do=silent")
        rig.rest(f"/slots/{ABORTED}/deploy", {"recipe": self.deploy}, "POST")
        rig.wait_slot(ABORTED, {"compared"})
        return [shot for make in (self.of_slots, lambda: self.of_batches(held, resumed, closed), lambda: self.of_units(parked))
                for shot in make()]

    def of_slots(self):
        serial = f"SN-{self.number}"

        def scanned(line, shot):
            equal(self.rig.slots()[SCANNED - 1]["scanned"], serial, "scanned")
        yield Shot("/slots/{slot}/disable", f"/slots/{DISABLED}/disable", once=("slot-disabled", {"slot": DISABLED}),
                   same=("slot",))
        yield Shot("/slots/{slot}/enable", f"/slots/{PASSED}/enable", once=("slot-enabled", {"slot": PASSED}), same=("slot",))
        yield Shot("/slots/{slot}/deploy", f"/slots/{DEPLOYED}/deploy", {"recipe": self.deploy}, same=("slot",),
                   prove=ordered_once(DEPLOYED, "deploy", "deploy"), patient=True)
        yield Shot("/slots/{slot}/retry", f"/slots/{RETRIED}/retry", same=("slot",), prove=ordered_once(RETRIED, "retry"),
                   fine=(200, 409))
        # a start takes up or refuses what is there by itself, and nothing runs any more: 409 unless the order was written
        yield Shot("/slots/{slot}/abort", f"/slots/{ABORTED}/abort", same=("slot",), fine=(200, 409),
                   prove=ordered_once(ABORTED, "abort"))
        yield Shot("/slots/{slot}/serial", f"/slots/{SCANNED}/serial", {"serial": serial}, same=("slot", "scanned"),
                   prove=scanned)
        yield Shot("/scan", "/scan", {"serial": None}, same=("seconds",))

    def of_batches(self, held, resumed, closed):
        order = f"WO-new-{self.number}"
        serials = [f"B-{self.number}-{n}" for n in range(6)]

        def listed(line, shot):
            on = [n["value"] for n in self.rig.rest("/numbers?kind=serial&limit=1000")["items"] if n["value"] in serials and n["batch"]]
            equal(on, serials, "the list, whole")
        yield Shot("/batches", "/batches", {"order": order, "recipe": self.shas[0], "quantity": 5, "serials": serials}, fine=(201,),
                   same=("id", "order"), once=("batch-opened", {"order": order, "serials": serials}), prove=listed)
        yield Shot("/batches/{id}/hold", f"/batches/{held}/hold", once=("batch-held", {"batch": held}), same=("id", "state"))
        yield Shot("/batches/{id}/resume", f"/batches/{resumed}/resume", once=("batch-resumed", {"batch": resumed}),
                   same=("id", "state"))
        yield Shot("/batches/{id}/close", f"/batches/{closed}/close", once=("batch-closed", {"batch": closed}),
                   same=("id", "state"))

    def of_units(self, parked):
        uid, attempt, reason = self.passed["uid"], self.passed["attempt"], f"torn {self.number}"

        def printed(line, shot):
            def count():
                return sum(k == "label-printed" and b["reason"] == reason for _, k, b in line.rows())
            until(count, "the label is printed")
            equal(count(), 1, "labels")
        yield Shot("/units/{name}/serial", f"/units/{uid}/serial", {"serial": f"U-{self.number}"},
                   once=("unit-serial", {"serial": f"U-{self.number}"}), same=("uid", "serial"))
        yield Shot("/attempts/{id}/label", f"/attempts/{attempt}/label", {"reason": reason}, same=("id",), prove=printed)
        yield Shot("/mes/parked/{id}/drop", f"/mes/parked/{parked}/drop", once=("mes-resolved", {"row": parked}),
                   same=("interlock",))
        yield Shot("/mes/resend", "/mes/resend", same=("interlock",))


LINE_TABLE = {"/slots/{slot}/disable", "/slots/{slot}/enable", "/slots/{slot}/deploy", "/slots/{slot}/retry",
              "/slots/{slot}/abort", "/slots/{slot}/serial", "/scan", "/batches", "/batches/{id}/hold", "/batches/{id}/resume",
              "/batches/{id}/close", "/units/{name}/serial", "/attempts/{id}/label", "/mes/parked/{id}/drop", "/mes/resend"}


@test
def line():
    """slots, batches, units, labels, the MES: kill -9 around the answer, the repeat has one effect and the first answer"""
    mes = Mes().start()
    paths = [f"1-1.{n}" for n in range(1, PASSED + 1)]
    with rig_with(mes, cameras=PASSED, slots=paths, line=["--respawn", "--windows", "0.3"],
                  program="delta = no\nretries = 0\nhold_after = 0") as rig:
        printer = f"{rig.work}/print"
        with open(printer, "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\necho \"$1\" >> {rig.work}/labels\n")
        os.chmod(printer, 0o755)
        with open(rig.config, "a", encoding="ascii") as f:
            f.write(f"[label]\ncommand = {printer} {{serial}}\n")
        rig.start(cameras=0)
        things = Things(rig, mes)
        it = Line(rig)
        for phase in PHASES:
            shots = things.shots()
            equal({s.row for s in shots}, LINE_TABLE, "rows")
            fire(it, shots, phase)
    mes.close()


# --- the office: people, tokens, numbers, recipes, shifts -----------------------------------------------------------

OFFICE_TABLE = {"/people", "/people/{name}/remove", "/people/{name}/role", "/people/{name}/pin", "/people/{name}/badge",
                "/tokens", "/tokens/{id}/revoke", "/numbers", "/numbers/void", "/recipes", "/recipes/{sha256}/approve",
                "/recipes/{sha256}/activate", "/recipes/{sha256}/retire", "/recipes/{sha256}/revoke", "/shift/start",
                "/shift/end", "/session", "/session/end", "/session/pin", "/images"}


class Office:
    def __init__(self, rig):
        self.rig, self.number = rig, 0
        self.images = [rig.recipe(name="img", version=f"1.0.{n}", files={"main.py": b"x = %d\n" % n})
                       for n in range(len(PHASES) + 4)]
        self.drafts = [rig.upload(self.images.pop()) for _ in range(3)]
        self.idle, self.used = (rig.upload(self.images.pop()) if n else self.drafts.pop() for n in range(2))
        for sha in (self.idle, self.used):
            rig.rest(f"/recipes/{sha}/approve", {"by": "eve"}, "POST")
            rig.rest(f"/recipes/{sha}/activate", {}, "POST")
        rig.rest(f"/recipes/{self.idle}/retire", {}, "POST")

    def person(self, name, **more):
        self.rig.rest("/people", {"name": f"{name} {self.number}", "role": "operator", **more}, "POST")
        return f"{name} {self.number}", f"/people/{name}%20{self.number}"

    def shots(self):
        self.number += 1
        return [shot for make in (self.of_people, self.of_tokens, self.of_numbers, self.of_recipes, self.of_shifts, self.keyless)
                for shot in make()]

    def of_people(self):
        n = self.number
        same = ("name", "role", "added_at")
        yield Shot("/people", "/people", {"name": f"new {n}", "role": "qa", "badge": f"badge-new-{n}", "pin": "135790"},
                   fine=(201,), same=same, once=("person-added", {"person": f"new {n}"}))
        name, path = self.person("gone")
        yield Shot("/people/{name}/remove", f"{path}/remove", same=same, once=("person-removed", {"person": name}))
        name, path = self.person("rise")
        yield Shot("/people/{name}/role", f"{path}/role", {"role": "admin"}, same=same,
                   once=("person-role", {"person": name, "role": "admin"}))
        name, path = self.person("pin")
        yield Shot("/people/{name}/pin", f"{path}/pin", {"pin": "246813"}, same=same, once=("person-pin", {"person": name}))
        name, path = self.person("badge")
        yield Shot("/people/{name}/badge", f"{path}/badge", {"badge": f"badge-{n:05}"}, same=same,
                   once=("person-badge", {"person": name}))

    def of_tokens(self):
        n, rig = self.number, self.rig
        old = rig.rest("/tokens", {"name": f"old-{n}", "scopes": ["read"], "days": 1}, "POST")["id"]

        def opens(line, shot):
            token = shot.ask(line.host())[1]["token"]
            equal(rig.rest("/session", headers={"Authorization": f"Bearer {token}"})["name"], f"token:new-{n}", "who it is")
        yield Shot("/tokens", "/tokens", {"name": f"new-{n}", "scopes": ["read"], "days": 1}, fine=(201,),
                   same=("id", "token", "expires_at"), once=("token-created", {"name": f"new-{n}"}), prove=opens)
        yield Shot("/tokens/{id}/revoke", f"/tokens/{old}/revoke", once=("token-revoked", {"token": old}),
                   same=("id", "revoked_at"))

    def of_numbers(self):
        n = self.number
        self.rig.rest("/numbers", {"kind": "mac", "values": [f"old-{n}"]}, "POST")

        def added(line, shot):
            items = self.rig.rest("/numbers?kind=serial&limit=1000")["items"]
            equal(sum(i["value"].startswith(f"N-{n}-") for i in items), 2, "numbers")
        yield Shot("/numbers", "/numbers", {"kind": "serial", "values": [f"N-{n}-1", f"N-{n}-2"]}, fine=(201,),
                   same=("given", "added"), once=("numbers-added", {"numbers": [{"value": f"N-{n}-1"}, {"value": f"N-{n}-2"}]}),
                   prove=added)
        yield Shot("/numbers/void", "/numbers/void", {"kind": "mac", "value": f"old-{n}"}, same=("state",),
                   once=("number-voided", {"value": f"old-{n}"}))

    def of_recipes(self):
        rig = self.rig
        if rig.rest(f"/recipes/{self.idle}")["state"] == "active":
            rig.rest(f"/recipes/{self.idle}/retire", {}, "POST")
        if rig.rest(f"/recipes/{self.used}")["state"] == "retired":
            rig.rest(f"/recipes/{self.used}/activate", {}, "POST")
        with open(self.images.pop(), "rb") as f:
            image = f.read()
        draft, doomed = self.drafts[-1], self.drafts.pop(0)
        sha = {"sha256": draft}
        same = ("sha256", "state")

        def remember(line, shot):
            self.drafts.append(shot.ask(line.host())[1]["sha256"])
        yield Shot("/recipes", "/recipes", data=image, fine=(201,), same=same, prove=remember,
                   once=("recipe-added", {"version": f"1.0.{len(self.images)}"}))
        yield Shot("/recipes/{sha256}/approve", f"/recipes/{draft}/approve", {"by": "anna"}, same=same,
                   once=("recipe-approved", sha))
        yield Shot("/recipes/{sha256}/revoke", f"/recipes/{doomed}/revoke", {"reason": "old"}, same=("sha256", "revoked"),
                   once=("recipe-revoked", {"sha256": doomed}))
        yield Shot("/recipes/{sha256}/activate", f"/recipes/{self.idle}/activate", same=same,
                   once=("recipe-activated", {"sha256": self.idle}))
        yield Shot("/recipes/{sha256}/retire", f"/recipes/{self.used}/retire", {"reason": "rest"}, same=same,
                   once=("recipe-retired", {"sha256": self.used}))

    def of_shifts(self):
        """One of the two in turn."""
        if self.rig.rest("/shift")["state"] == "none":
            yield Shot("/shift/start", "/shift/start", once=("shift-started", {}), same=("state",))
        else:
            yield Shot("/shift/end", "/shift/end", once=("shift-ended", {}), same=("state",))

    def keyless(self):
        yield Shot("/session", "/session", {"badge": "badge-of-eve"}, fine=(201,), same=("name", "role"))
        yield Shot("/session/end", "/session/end", same=("login",))
        yield Shot("/session/pin", "/session/pin", {"badge": "badge-of-eve", "new_pin": "975310"}, same=("login",))
        yield Shot("/images", "/images", data=b"\xd2\xcd\x31\x00")


@test
def office():
    """people, tokens, numbers, recipes, shifts: the same; a token is told to the repeat as it was the first time"""
    with Rig(cameras=0, start=False, options=["--respawn"], recipes="approvals = 1") as rig:
        challenge = f"{rig.work}/challenge.json"
        with open(challenge, "w", encoding="ascii") as f:
            json.dump({"units": [{"uid": "0" * 24, "verdict": "PASS", "code": "ok"}]}, f)
        with open(rig.config, "a", encoding="ascii") as f:
            f.write(f"[shift]\nchallenge = {challenge}\n")
        rig.start()
        rig.rest("/people", {"name": "eve", "role": "qa", "badge": "badge-of-eve"}, "POST")
        things, it, seen = Office(rig), Line(rig), set()
        for phase in PHASES:
            shots = things.shots()
            seen |= {s.row for s in shots}
            fire(it, shots, phase)
        equal(seen, OFFICE_TABLE, "rows")


# --- a held station -------------------------------------------------------------------------------------------------

@test
def resume():
    """a held station's resume: written and answered 200 again, or the restart has ended the hold and it is 409"""
    with Rig(cameras=1, start=False, speed="instant", options=["--respawn"], program="retries = 0\nhold_after = 0") as rig:
        rig.prepare()
        trouble = Trouble(rig)
        rig.start()
        rig.wait_slot(1, RESTING)
        it = Line(rig)
        for phase in (HALF, COMMITTED, 0.002):
            trouble.set(("sync", 5, "journal.db"))
            rig.control("power-cycle 1 hold")
            until(lambda: rig.rest("/station")["state"] == "held", "the station is held")
            trouble.set()
            shot = Shot("/station/resume", "/station/resume", once=("station-resumed", {}), same=("name",), fine=(200, 409))
            fire(it, [shot], phase)
            rig.wait_slot(1, RESTING | {"running"})


@test
def table():
    """every operation that changes something stands in this test, and its description says whether it takes a key"""
    covered(LINE_TABLE | OFFICE_TABLE | {"/station/resume"})


test.main()
