#!/usr/bin/env python3
"""A station in good health, and then one call that fails while it answers a request, once or from then on: the N-th
allocation, file operation or SQLite call counted from the request.

    nth_api.py [--every | --stride N] [CASE...]      a sample by default

After each fault: the answer is the right one, or a problem document with a code that blames the machine, or none at all
(the connection ends in front of an end); nothing half stored stands under a recipe's name.  Then the fault is over and
the same request, with its Idempotency-Key where it creates, is answered right.  In the end the journal verifies."""
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
import zlib

from harness import BUILD, CTL, STATION_BUILD, Rig, equal, until
from shim import SHIM, Board

KINDS = ["alloc", "file", "sql"]  # of the shim, those that matter here
SAMPLES = {"alloc": 10, "file": 5, "sql": 4}
FEW = {"alloc": 4, "file": 1, "sql": 2}  # where each request costs the time of a hash
ANSWER_S = 30
SLOW_S = 1  # worth a word
# What may be said when memory, a file or the database failed; never a word against the request.
MACHINE = {"no-memory": (503,), "file-failed": (500,), "internal": (500,), "journal-failed": (503,),
           "station-held": (409,)}
HEADS = ("Content-Type", "Location")
NONE = (None, None, None)


class Station(Rig):
    """Two cameras that have passed and stay as they are; the station is preloaded with the shim, which sleeps."""

    def __init__(self):
        super().__init__("openmv-n6", cameras=2, mode="hold", start=False, speed="instant", options=["--windows", "0.2"],
                         return_ms=8000, program="already_passed = allow", log="info")
        self.board_path = os.path.join(self.work, "board")
        self.board_of_faults = Board(self.board_path)
        sanitized = [f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"]
        self.wrap = ["env", *(sanitized if STATION_BUILD != BUILD else []), f"NTH_BOARD={self.board_path}",
                     "NTH_PROGRAM=stationd", f"LD_PRELOAD={SHIM}"]
        self.serial = 0

    def ask(self, method, path, body=None, kind="application/json", key=None, bearer=None):
        """(status, heads, body), NONE when the connection ended without a whole answer."""
        c = http.client.HTTPConnection(self.url[len("http://"):], timeout=ANSWER_S)
        heads = {"Content-Type": kind} if body is not None else {}
        if key:
            heads["Idempotency-Key"] = key
        if bearer:
            heads["Authorization"] = f"Bearer {bearer}"
        try:
            c.request(method, path, body=body, headers=heads)
            answer = c.getresponse()
            text = answer.read()
            return answer.status, {h: answer.headers.get(h) for h in HEADS}, text
        except TimeoutError:
            raise AssertionError("no answer and no end") from None
        except (http.client.HTTPException, ConnectionError):
            return NONE
        finally:
            c.close()

    def fresh(self):
        """A recipe that nobody has seen: (bytes, sha256)."""
        self.serial += 1
        plain, signed = (os.path.join(self.work, f"fresh.{end}") for end in ("unsigned", "img"))
        subprocess.run([CTL, "recipe", "build", "-b", "openmv-h7", "-n", "fresh", "-v", f"1.0.{self.serial}", "-o", plain,
                        f"ROMFS0={self.folder}"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([CTL, "recipe", "sign", "-k", self.key, plain, "-o", signed], check=True, stdout=subprocess.DEVNULL)
        with open(plain, "rb") as f, open(signed, "rb") as g:
            return g.read(), hashlib.sha256(f.read()).hexdigest()

    def stored(self):
        """{name: sha256 of the bytes} of the folder of recipes."""
        found = {}
        folder = os.path.join(self.state, "recipes")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as f:
                found[name] = hashlib.sha256(f.read()).hexdigest()
        return found


class Case:
    """A request that can be repeated.  prepare: what it is about, anew for each fault; check: what must hold after it was
    answered in good health; undo: puts things back."""
    changes = False
    samples = SAMPLES

    def __init__(self, rig, name):
        self.rig, self.name = rig, name

    def prepare(self):
        pass

    def request(self):
        raise NotImplementedError

    def right(self, answer):
        raise NotImplementedError

    def after_fault(self):
        pass

    def undo(self):
        pass


class Look(Case):
    """A look-up: the answer is always the same bytes."""

    def __init__(self, rig, path):
        super().__init__(rig, path)
        self.golden = None

    def prepare(self):
        if not self.golden:  # now, since those in front of it have changed things
            self.golden = self.request()
            equal(self.golden[0], 200, self.name)

    def request(self):
        return self.rig.ask("GET", self.name)

    def right(self, answer):
        return answer == self.golden


class Count(Look):
    """Figures that move by themselves: the names are what must be there, and no value without one."""

    def right(self, answer):
        def names(text):
            return sorted({line.split(b" ")[0] for line in text.splitlines() if line[:1] not in (b"#", b"")})
        return answer[0] == 200 and names(answer[2]) == names(self.golden[2])


class Upload(Case):
    """A recipe comes in."""

    def prepare(self):
        self.image, self.sha = self.rig.fresh()
        self.before = self.rig.stored()
        self.idempotency = f"upload-{self.rig.serial}"

    def request(self):
        return self.rig.ask("POST", "/api/v1/recipes", self.image, "application/octet-stream", self.idempotency)

    def right(self, answer):
        return (answer[0] in (200, 201) and json.loads(answer[2])["sha256"] == self.sha and
                self.rig.stored().get(f"{self.sha}.img") == hashlib.sha256(self.image).hexdigest())

    def after_fault(self):
        """The new one is there as a whole or not at all; a name without a suffix is a leftover that a start sweeps."""
        now = {n: d for n, d in self.rig.stored().items() if n.endswith(".img")}
        whole = {**self.before, f"{self.sha}.img": hashlib.sha256(self.image).hexdigest()}
        old = {n: d for n, d in self.before.items() if n.endswith(".img")}
        if now not in (old, {n: d for n, d in whole.items() if n.endswith(".img")}):
            raise AssertionError(f"half stored: {set(now) - set(old)}")


class Open(Case):
    """A batch is opened, once however often it is asked for."""

    def __init__(self, rig, name, sha):
        super().__init__(rig, name)
        self.sha, self.n = sha, 0

    def prepare(self):
        self.n += 1

    def request(self):
        body = json.dumps({"order": f"NTH-{self.n}", "recipe": self.sha, "quantity": 5})
        return self.rig.ask("POST", "/api/v1/batches", body, key=f"batch-{self.n}")

    def right(self, answer):
        if answer[0] != 201:
            return False
        said = json.loads(answer[2])
        self.id = said["id"]
        return (said["order"], said["recipe"], said["quantity"], said["state"]) == (f"NTH-{self.n}", self.sha, 5, "open")

    def undo(self):
        with self.rig.database() as db:
            rows = db.execute("SELECT count(*) FROM batches WHERE order_no = ?", (f"NTH-{self.n}",)).fetchone()[0]
        equal(rows, 1, f"batches of order NTH-{self.n}")
        equal(self.rig.ask("POST", f"/api/v1/batches/{self.id}/close", "{}")[0], 200, "closing")


class Order(Case):
    """An order that leads to a state.  It may have been carried out although its answer was lost: then it is refused when
    it is repeated, and the state is what was asked for."""

    def __init__(self, rig, name, there, back, look, field, want):
        super().__init__(rig, name)
        self.there, self.back, self.look, self.field, self.want = there, back, look, field, want

    def state(self):
        return json.loads(self.rig.ask("GET", self.look)[2])[self.field]

    def request(self):
        return self.rig.ask("POST", self.there, "{}")

    def right(self, answer):
        done = answer[0] == 200 or (answer[0] == 409 and json.loads(answer[2])["code"] == "conflict" and self.repeated)
        return done and self.state() == self.want

    def prepare(self):
        self.repeated = False

    def after_fault(self):
        self.repeated = True

    def undo(self):
        equal(self.rig.ask("POST", self.back, "{}")[0], 200, self.back)


class Serial(Case):
    """A serial is bound to a unit; repeating it changes nothing."""

    def __init__(self, rig, name, uid):
        super().__init__(rig, name)
        self.uid, self.n = uid, 0

    def prepare(self):
        self.n += 1

    def request(self):
        return self.rig.ask("POST", f"/api/v1/units/{self.uid}/serial", json.dumps({"serial": f"SN-{self.n}"}))

    def right(self, answer):
        return answer[0] == 200 and json.loads(answer[2])["serial"] == f"SN-{self.n}"


class ByToken(Look):
    """Who shows a token is told what it may be told; who shows another one never is."""

    def __init__(self, rig, name, bearer, status):
        super().__init__(rig, name)
        self.bearer, self.status = bearer, status

    def prepare(self):
        self.golden = self.golden or self.request()
        equal(self.golden[0], self.status, self.name)

    def request(self):
        return self.rig.ask("GET", "/api/v1/slots/1", bearer=self.bearer)


class Added(Case):
    """Somebody is added, or a token made: once, however often it is asked for."""
    samples = FEW

    def __init__(self, rig, name, path, body):
        super().__init__(rig, name)
        self.path, self.body, self.n = path, body, 0

    def prepare(self):
        self.n += 1
        self.repeated = False

    def request(self):
        return self.rig.ask("POST", self.path, json.dumps({**self.body, "name": f"nth-{self.n}"}))

    def right(self, answer):
        return answer[0] == 201 or (answer[0] == 409 and self.repeated)

    def after_fault(self):
        self.repeated = True


class LogIn(Case):
    """The right secret comes in or is told of trouble; a wrong one never comes in."""
    samples = FEW

    def __init__(self, rig, name, body, status):
        super().__init__(rig, name)
        self.body, self.status = body, status

    def request(self):
        return self.rig.ask("POST", "/api/v1/session", json.dumps(self.body))

    def right(self, answer):
        return answer[0] in (self.status, 429 if self.status == 401 else self.status)


def blames_the_machine(answer):
    status, heads, text = answer
    if heads["Content-Type"] != "application/problem+json":
        return False
    problem = json.loads(text)
    return problem["status"] == status and status in MACHINE.get(problem["code"], ())


def one(case, kind, n, forever):
    """True when the fault was reached."""
    rig = case.rig
    case.prepare()
    rig.board_of_faults.arm(kind, n, forever)
    begun = time.monotonic()
    try:
        answer = case.request()
    finally:
        calls, fired = rig.board_of_faults.disarm()
    took = time.monotonic() - begun
    if took > SLOW_S:
        print(f"# {case.name}: {kind}:{n}{':forever' if forever else ''} {fired}: {took:.1f} s", flush=True)
    told = f"{kind}:{n}{':forever' if forever else ''} {fired}"
    equal(rig.process.poll(), None, f"{told}: the station lives")
    if n and fired is None:
        equal(case.right(answer), True, f"{told}: answered {answer}")
    elif fired and answer != NONE and not blames_the_machine(answer) and not case.right(answer):
        raise AssertionError(f"{told}: answered {answer}")
    case.after_fault()
    heal(rig)
    again = case.request()
    if not case.right(again):
        raise AssertionError(f"{told}: answered {answer[:1]}, and in good health again {again}")
    case.undo()
    return fired is not None, calls


def heal(rig):
    """A station that holds because a row was lost goes on when a person says so."""
    look = rig.ask("GET", "/api/v1/station")
    equal(look[0], 200, f"the station, asked in good health: {look}")
    if json.loads(look[2])["state"] == "held":
        equal(rig.ask("POST", "/api/v1/station/resume", "{}")[0], 200, "resuming")


def numbers(case, kind, last, stride):
    if stride == 0:
        return range(1, last + 1)
    step = max(1, -(-last // case.samples[kind])) if stride == "sample" else stride
    start = zlib.crc32(f"{case.name}{kind}".encode()) % step
    return sorted({1, last} | set(range(1 + start, last + 1, step)))


def loop(case, stride):
    """(runs, complaints); the number of calls is counted in good health, when caches are as they will be."""
    runs, bad = 0, {}
    one(case, KINDS[0], 0, False)
    for kind in KINDS:
        last = one(case, kind, 0, False)[1]
        for n in numbers(case, kind, last, stride) if last else ():
            for forever in (False, True):
                runs += 1
                try:
                    one(case, kind, n, forever)
                except AssertionError as why:
                    bad.setdefault(re.sub(r"\d+", "", str(why).split(" ", 1)[1])[:120], []).append(str(why))
                    if case.rig.process.poll() is not None:
                        raise
    return runs, [f"{rows[0][:1500]}  ({len(rows)} like it)" for rows in bad.values()]


def cases(rig, sha, uid, attempt):
    looks = ["/api/v1/units/" + uid, "/api/v1/units?limit=1", "/api/v1/attempts?slot=1", f"/api/v1/attempts/{attempt}",
             "/api/v1/stats", "/api/v1/exports/attempts.csv", "/api/v1/slots", "/api/v1/slots/1",
             f"/api/v1/recipes/{sha}", "/api/v1/audit?what=recipe-added", "/api/v1/people", "/api/v1/session", "/api/v1/batches?state=closed&limit=1", "/openapi.json", "/plain"]
    slot, batch = "/api/v1/slots/2", f"/api/v1/batches/{rig.batch}"
    return [Upload(rig, "upload"), Open(rig, "open a batch", rig.other),
            Order(rig, "disable a slot", f"{slot}/disable", f"{slot}/enable", slot, "enabled", False),
            Order(rig, "hold a batch", f"{batch}/hold", f"{batch}/resume", batch, "state", "held"),
            Serial(rig, "bind a serial", uid),
            Added(rig, "add a person", "/api/v1/people", {"role": "qa", "pin": "314159"}),
            Added(rig, "make a token", "/api/v1/tokens", {"scopes": ["read"], "days": 1}),
            LogIn(rig, "log in by PIN", {"name": "anna", "pin": "314159"}, 201),
            LogIn(rig, "log in by badge", {"badge": "badge-of-anna"}, 201),
            LogIn(rig, "a wrong PIN", {"name": "anna", "pin": "314158"}, 401),
            ByToken(rig, "a token", rig.token, 200), ByToken(rig, "a wrong token", rig.token + "x", 401), *[Look(rig, path) for path in looks], Count(rig, "/metrics")]


def begin(rig):
    """Both cameras pass; a batch stays open for their board, a recipe of another board waits for its batch."""
    rig.folder = os.path.join(rig.work, "folder")
    os.mkdir(rig.folder)
    with open(f"{rig.folder}/main.py", "wb") as f:
        f.write(b"print('hello')\n")
    rig.start(cameras=2)
    sha = rig.upload(rig.recipe(files={"main.py": b"print('hello')\n" * 40}))
    rig.batch = rig.open_batch(sha)
    for camera in (1, 2):
        rig.control(f"power-cycle {camera} hold")
    until(lambda: [s["verdict"] for s in rig.slots()] == ["PASS", "PASS"], "both pass")
    image, rig.other = rig.fresh()
    equal(rig.ask("POST", "/api/v1/recipes", image, "application/octet-stream")[0], 201, "upload")
    slot = rig.slots()[0]
    rig.ask("POST", "/api/v1/batches", json.dumps({"order": "old", "recipe": rig.other, "quantity": 1}))
    rig.ask("POST", f"/api/v1/batches/{json.loads(rig.ask('GET', '/api/v1/batches?order=old')[2])['items'][0]['id']}/close", "{}")
    rig.rest("/people", {"name": "anna", "role": "qa", "pin": "314159", "badge": "badge-of-anna"}, "POST")
    rig.token = rig.rest("/tokens", {"name": "reader", "scopes": ["read"], "days": 1}, "POST")["token"]
    return sha, slot["uid"], slot["attempt"]


def main():
    words, stride = sys.argv[1:], "sample"
    if words[:1] == ["--every"]:
        stride, words = 0, words[1:]
    elif words[:1] == ["--stride"]:
        stride, words = int(words[1]), words[2:]
    bad = 0
    with Station() as rig:
        rows = [c for c in cases(rig, *begin(rig)) if not words or c.name in words]
        print(f"1..{len(rows)}", flush=True)
        for number, case in enumerate(rows, 1):
            runs, complaints = loop(case, stride)
            bad += bool(complaints)
            print(f"{'not ok' if complaints else 'ok'} {number} - {case.name}: {runs} runs, each fails at one call", flush=True)
            for why in complaints:
                print("".join(f"# {line}\n" for line in why.splitlines()), end="", flush=True)
    sys.exit(bool(bad))


main()
