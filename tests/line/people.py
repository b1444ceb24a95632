#!/usr/bin/env python3
"""People and rights on the running station: every route with every role, logins, what slows down who guesses, sessions,
tokens, the audit, who stands in an attempt, TLS, and what is left of it all after kill -9."""
import csv
import http.client
import io
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from harness import CTL, STATION_BUILD, Refused, Rig, Tests, equal, until

test = Tests()
LIMIT_S = 60
ROLES = ("operator", "supervisor", "qa", "integrator", "admin")
REQUIRED = "[people]\nlogin = required\n"


class Shared:
    rig = document = None
    cookies = {}


def local_token(rig):
    with open(os.path.join(rig.state, "local.token"), encoding="ascii") as f:
        return {"Authorization": "Bearer " + f.read().strip()}


def ask(rig, method, path, body=None, headers=None, kind="application/json"):
    """(status, headers, JSON or bytes); of a stream only the header."""
    link = http.client.HTTPConnection(rig.url.removeprefix("http://"), timeout=LIMIT_S)
    try:
        data = None if method == "GET" else body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        link.request(method, path, data, {**({"Content-Type": kind} if data is not None else {}), **(headers or {})})
        answer = link.getresponse()
        if answer.getheader("Content-Type") == "text/event-stream":
            return answer.status, answer.headers, b""
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if "json" in answer.getheader("Content-Type", "") else text
    finally:
        link.close()


def log_in(rig, **body):
    """The Cookie header of a new session."""
    status, headers, said = ask(rig, "POST", "/api/v1/session", body)
    equal(status, 201, said)
    return {"Cookie": headers["Set-Cookie"].split(";")[0]}


def refused(rig, method, path, body=None, headers=None):
    status, _, said = ask(rig, method, path, body, headers)
    return status, said.get("code") if isinstance(said, dict) else None


def add(rig, name, role, headers=None, **secrets):
    return rig.rest("/people", {"name": name, "role": role, **secrets}, "POST", headers=headers or local_token(rig))


@test
def roles_and_routes():
    """every route with nobody and every role: exactly what its right allows, by the station's own description"""
    rig = Shared.rig = Rig(cameras=0, start=False, speed="instant", more=REQUIRED)
    rig.start()
    Shared.document = ask(rig, "GET", "/openapi.json")[2]
    for role in ROLES:
        add(rig, role, role, badge=f"badge-of-{role}", pin=f"pin-of-{role}")
        Shared.cookies[role] = log_in(rig, badge=f"badge-of-{role}")
    allowed = {role: set(ask(rig, "GET", "/api/v1/session", headers=cookie)[2]["rights"])
               for role, cookie in Shared.cookies.items()}
    equal(len(allowed["admin"]), len(Shared.document["components"]["schemas"]["Right"]["enum"]), "the admin's rights")
    seen = 0
    for path, item in Shared.document["paths"].items():
        for method, operation in item.items():
            target = re.sub(r"\{(\w+)\}", lambda m: "0" * 64 if m[1] == "sha256" else "999", path)
            kind = next(iter(operation.get("requestBody", {"content": {"application/json": 0}})["content"]))
            right = operation.get("x-right")
            for role in (None, *ROLES):
                if path == "/api/v1/session/end":
                    continue  # it would end the session that is needed here
                body = b"{\"\":1}" if kind == "application/json" else b"x"  # nothing that could be done
                got = ask(rig, method.upper(), target, body, Shared.cookies.get(role), kind)
                code = got[2].get("code") if isinstance(got[2], dict) else None
                may = right is None or (role and right in allowed[role])
                want = (None, None) if may else (403, "forbidden") if role else (401, "login-needed")
                if may:
                    assert code not in ("login-needed", "forbidden", "token-invalid"), (method, path, role, got[0], code)
                else:
                    equal((got[0], code), want, f"{method} {path} as {role}")
                if not role and right:
                    equal(got[1]["WWW-Authenticate"], 'Bearer realm="romline"', path)
                seen += 1
    assert seen > 300, seen


@test
def unknown_is_not_told():
    """a path that is no route is 404 for everybody, and a method 405; neither asks for a login"""
    equal(refused(Shared.rig, "GET", "/api/v1/nothing"), (404, "not-found"))
    equal(refused(Shared.rig, "POST", "/api/v1/slots"), (405, "method-not-allowed"))


@test
def cookies():
    """the cookie is HttpOnly, SameSite=Strict, for the whole path, with an end; a forged one is nobody"""
    rig = Shared.rig
    _, headers, said = ask(rig, "POST", "/api/v1/session", {"name": "qa", "pin": "pin-of-qa"})
    equal((said["name"], said["role"], said["login"]), ("qa", "qa", "required"))
    name, *flags = headers["Set-Cookie"].split("; ")
    port = rig.url.rsplit(":", 1)[1]
    assert re.fullmatch(rf"romline_{port}=[A-Za-z0-9_-]{{43}}", name), name
    equal(sorted(flags), ["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict"])
    for forged in (name[:-1], name + "x", f"romline_{port}=", f"romline_{port}={'A' * 43}", f"x{name}", "a" * 3000):
        equal(refused(rig, "GET", "/api/v1/slots", headers={"Cookie": forged}), (401, "login-needed"), forged)
    equal(ask(rig, "GET", "/api/v1/slots", headers={"Cookie": f"other=1; {name}; more=2"})[0], 200)


@test
def foreign_pages():
    """a page of another site gets nothing done with a session, a form's content type neither"""
    rig, cookie = Shared.rig, Shared.cookies["admin"]
    person = {"name": "mallory", "role": "admin"}
    for extra in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                  {"Origin": rig.url.replace("http:", "https:")}):
        equal(refused(rig, "POST", "/api/v1/people", person, {**cookie, **extra}), (403, "foreign-origin"), extra)
        equal(refused(rig, "POST", "/api/v1/session", {"badge": "badge-of-admin"}, extra), (403, "foreign-origin"), extra)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        equal(ask(rig, "POST", "/api/v1/people", person, cookie, kind)[0], 415, kind)
    equal(ask(rig, "POST", "/api/v1/people", person, {**cookie, "Host": "evil.example"})[0], 421)
    assert "mallory" not in [p["name"] for p in rig.rest("/people", headers=cookie)["items"]]


@test
def logout_and_change():
    """a session ends with the logout, a new PIN, another role, the person's removal; its event stream with it"""
    rig, admin = Shared.rig, Shared.cookies["admin"]
    add(rig, "dora", "operator", pin="dora-s-pin")

    def stream(cookie):
        link = socket.create_connection(("127.0.0.1", int(rig.url.rsplit(":", 1)[1])), timeout=LIMIT_S)
        link.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {rig.url[7:]}\r\nCookie: {cookie['Cookie']}\r\n\r\n".encode())
        assert link.recv(12) == b"HTTP/1.1 200", "the stream begins"
        return link

    changes = (("/session/end", {}, None), ("/people/dora/pin", {"pin": "another-pin"}, admin),
               ("/people/dora/role", {"role": "qa"}, admin), ("/people/dora/remove", {}, admin))
    pin = "dora-s-pin"
    for path, body, by in changes:
        cookie = log_in(rig, name="dora", pin=pin)
        equal(ask(rig, "GET", "/api/v1/slots", headers=cookie)[0], 200)
        with stream(cookie) as link:
            rig.rest(path, body, "POST", headers=by or cookie)
            until(lambda: not link.recv(4096), "the stream ends")
        equal(refused(rig, "GET", "/api/v1/slots", headers=cookie), (401, "login-needed"), path)
        pin = body.get("pin", pin)
    equal(refused(rig, "POST", "/api/v1/session", {"name": "dora", "pin": pin}), (401, "login-failed"))


@test
def own_pin():
    """one's own PIN is changed by who knows it or has the badge, nobody else's; all sessions end but the one that asked"""
    rig = Shared.rig
    add(rig, "otto", "operator", pin="otto-s-pin", badge="OP:badge-of-otto")
    cookie, other = log_in(rig, name="otto", pin="otto-s-pin"), log_in(rig, badge="badge-of-otto")  # a card's word is no part of it

    def change(headers=None, **body):
        status, head, said = ask(rig, "POST", "/api/v1/session/pin", body, headers)
        return status, said.get("code"), {"Cookie": head["Set-Cookie"].split(";")[0]} if head["Set-Cookie"] else None
    equal(change(cookie, pin="no-such-pin", new_pin="otto-s-new"), (401, "login-failed", None))
    equal(change(cookie, name="qa", pin="pin-of-qa", new_pin="otto-s-new"), (403, "forbidden", None))
    equal(change(cookie, badge="badge-of-qa", new_pin="otto-s-new"), (403, "forbidden", None))
    equal(change(cookie, pin="otto-s-pin", new_pin="12345"), (400, "bad-request", None))
    equal(change(pin="otto-s-pin", new_pin="otto-s-new"), (400, "bad-request", None), "of nobody")
    status, _, mine = change(cookie, pin="otto-s-pin", new_pin="otto-s-new")
    equal((status, ask(rig, "GET", "/api/v1/session", headers=mine)[2]["name"]), (200, "otto"))
    for old in (cookie, other):
        equal(refused(rig, "GET", "/api/v1/slots", headers=old), (401, "login-needed"))
    equal(refused(rig, "POST", "/api/v1/session", {"name": "otto", "pin": "otto-s-pin"}), (401, "login-failed"))
    # the badge will do, where nobody is logged in
    equal(change(badge="op:badge-of-otto", new_pin="otto-s-third"), (200, None, None))
    log_in(rig, name="otto", pin="otto-s-third")
    last = rig.rest("/audit?what=person-pin&limit=1", headers=Shared.cookies["admin"])["items"][0]
    equal((last["who"], last["details"]), ("otto", {"person": "otto"}))
    rig.rest("/people/otto/remove", {}, "POST", headers=Shared.cookies["admin"])


@test
def people_are_kept_apart():
    """names and badges are one person's each; wrong roles, PINs and names are refused; a removed name can come again"""
    rig, admin = Shared.rig, Shared.cookies["admin"]
    add(rig, "emil", "qa", badge="badge-of-emil")

    def post(path, body):
        return refused(rig, "POST", f"/api/v1/people{path}", body, admin)
    equal(post("", {"name": "emil", "role": "qa"}), (409, "conflict"))
    equal(post("", {"name": "frida", "role": "qa", "badge": "badge-of-emil"}), (409, "conflict"))
    equal(post("/admin/badge", {"badge": "badge-of-emil"}), (409, "conflict"))
    for body in ({"name": "token:x", "role": "qa"}, {"name": "local", "role": "qa"}, {"name": " x", "role": "qa"},
                 {"name": "x", "role": "boss"}, {"name": "x", "role": "qa", "pin": "12345"}, {"name": "", "role": "qa"},
                 {"name": "x", "role": "qa", "badge": "1234567"}, {"name": "x", "role": "qa", "pin": "1" * 65}):
        equal(post("", body), (400, "bad-request"), body)
    equal(post("/nobody/remove", {}), (404, "not-found"))
    equal(post("/emil/remove", {}), (200, None))
    equal(post("/emil/remove", {}), (404, "not-found"))
    equal(refused(rig, "POST", "/api/v1/session", {"badge": "badge-of-emil"}), (401, "login-failed"))
    equal(add(rig, "emil", "admin", badge="badge-of-emil")["role"], "admin")
    rig.rest("/people/emil/remove", {}, "POST", headers=admin)


@test
def last_administrator():
    """one administrator who can log in always stays, also when two are removed at once"""
    rig = Shared.rig

    def post(path, body=None):
        return refused(rig, "POST", f"/api/v1/people/{path}", body, local_token(rig))
    for path, body in (("admin/remove", {}), ("admin/role", {"role": "qa"})):
        equal(post(path, body), (409, "last-admin"), path)
    equal(post("admin/role", {"role": "admin"}), (200, None), "what changes nothing")
    equal(post("admin/pin", {"pin": None}), (200, None), "the badge is left")
    equal(post("admin/badge", {"badge": None}), (409, "last-admin"))
    equal(post("admin/badge", {"badge": "badge-of-admin"}), (200, None))
    add(rig, "idle", "admin")  # who cannot log in is no help
    equal(post("admin/remove", {}), (409, "last-admin"))
    equal(post("idle/remove", {}), (200, None))
    for _ in range(5):
        add(rig, "emil", "admin", badge="badge-of-emil")
        with ThreadPoolExecutor(2) as pool:
            got = list(pool.map(lambda name: post(f"{name}/remove", {}), ("admin", "emil")))
        equal(sorted(got, key=str), [(200, None), (409, "last-admin")])
        if got[0][0] == 200:
            add(rig, "admin", "admin", badge="badge-of-admin")
            equal(post("emil/remove", {}), (200, None))
    equal(post("admin/pin", {"pin": "pin-of-admin"}), (200, None))
    Shared.cookies["admin"] = log_in(rig, badge="badge-of-admin")


@test
def tokens():
    """a token does what its scopes say and no more, until it ends; it is told once and nowhere kept"""
    rig, admin = Shared.rig, Shared.cookies["admin"]
    made = rig.rest("/tokens", {"name": "mes", "scopes": ["read", "batches"], "days": 1}, "POST", headers=admin)
    bearer = {"Authorization": "Bearer " + made["token"]}
    equal(ask(rig, "GET", "/api/v1/session", headers=bearer)[2],
          {"login": "required", "name": "token:mes", "role": None, "rights": ["read", "batches"]})
    equal(ask(rig, "GET", "/api/v1/attempts", headers=bearer)[0], 200)
    equal(refused(rig, "POST", "/api/v1/batches", {}, bearer), (400, "json-invalid"))
    for path in ("/api/v1/slots/1/retry", "/api/v1/tokens", "/api/v1/people", "/api/v1/batches/1/close"):
        equal(refused(rig, "POST", path, {}, bearer), (403, "forbidden"), path)
    equal(refused(rig, "POST", "/api/v1/tokens", {"name": "x", "scopes": ["people"], "days": 1}, admin),
          (400, "bad-request"))
    equal(refused(rig, "POST", "/api/v1/tokens", {"name": "mes", "scopes": ["read"], "days": 1}, admin), (409, "conflict"))
    for wrong in ("Bearer x", "Bearer ", "Bearer " + made["token"][:-1], "Bearer " + made["token"] + "x", "Basic YTpi", ""):
        equal(refused(rig, "GET", "/api/v1/slots", headers={"Authorization": wrong}), (401, "token-invalid"), wrong)
    listed = rig.rest("/tokens", headers=admin)["items"]
    equal([(t["name"], t["last_change_at"]) for t in listed], [("mes", None)])
    assert "token" not in listed[0] and made["token"] not in json.dumps(listed)
    with open(os.path.join(rig.state, "journal.db"), "rb") as db, open(os.path.join(rig.state, "journal.db-wal"), "rb") as log:
        kept = db.read() + log.read()
    for secret in (made["token"], "pin-of-qa", "badge-of-qa", Shared.cookies["qa"]["Cookie"].split("=")[1]):
        assert secret.encode() not in kept, secret
    rig.rest(f"/tokens/{made['id']}/revoke", {}, "POST", headers=admin)
    equal(refused(rig, "GET", "/api/v1/slots", headers=bearer), (401, "token-invalid"))
    equal(refused(rig, "POST", f"/api/v1/tokens/{made['id']}/revoke", {}, admin), (409, "conflict"))


@test
def command_line():
    """stationctl finds the station of a configuration by what only its owner can read; PINs come from standard input"""
    rig = Shared.rig

    def ctl(*words, typed=None, env=None):
        done = subprocess.run([CTL, *words], input=typed, capture_output=True, text=True, timeout=LIMIT_S,
                              env={**os.environ, "ROMLINE_URL": rig.url, **(env or {})})
        return done.returncode, done.stdout, done.stderr
    equal(os.stat(os.path.join(rig.state, "local.token")).st_mode & 0o777, 0o600)
    status, _, said = ctl("people", "list")
    assert status == 1 and said.startswith("stationctl: login-needed: "), said
    equal(ctl("people", "add", "gerd", "--role", "qa", "--pin", "-c", rig.config, typed="gerd-s-pin\n")[0], 0)
    log_in(rig, name="gerd", pin="gerd-s-pin")
    equal(ctl("people", "role", "gerd", "operator", "-c", rig.config)[0], 0)
    equal(ctl("people", "badge", "gerd", "-c", rig.config, typed="badge-of-gerd")[0], 0)
    log_in(rig, badge="badge-of-gerd")
    equal(ctl("people", "own-pin", "gerd", typed="gerd-s-pin\ngerd-s-own\n")[0], 0)
    assert ctl("people", "own-pin", "gerd", typed="gerd-s-pin\ngerd-s-own\n")[2].startswith("stationctl: login-failed: ")
    log_in(rig, name="gerd", pin="gerd-s-own")
    equal(ctl("people", "pin", "gerd", "--none", "-c", rig.config)[0], 0)
    assert re.search(r"^operator +no +yes +\S+ gerd$", ctl("people", "list", "-c", rig.config)[1], re.M)
    status, token, _ = ctl("token", "create", "hub", "--scope", "read,audit", "--days", "7", "-c", rig.config)
    equal(status, 0)
    own = {"ROMLINE_TOKEN": token.strip()}
    equal(ctl("slot", "list", env=own)[0], 0)
    assert "person-added" in ctl("audit", "--who", "local", env=own)[1]
    table = list(csv.reader(ctl("audit", "--csv", "--what", "person-added", env=own)[1].splitlines()))
    equal(table[0], ["id", "at", "who", "from", "what", "details"])
    assert {row[4] for row in table[1:]} == {"person-added"} and "gerd" in {json.loads(row[5])["person"] for row in table[1:]}
    assert ctl("people", "list", env=own)[2].startswith("stationctl: forbidden: ")
    number = re.search(r"^(\d+) .* hub ", ctl("token", "list", "-c", rig.config)[1], re.M)[1]
    equal(ctl("token", "revoke", number, "-c", rig.config)[0], 0)
    assert ctl("slot", "list", env=own)[2].startswith("stationctl: token-invalid: ")
    equal(ctl("people", "remove", "gerd", "-c", rig.config)[0], 0)
    equal(ctl("people", "remove", "gerd", "-c", rig.config)[0], 1)


@test
def killed():
    """kill -9: people and tokens are as they were told, sessions are gone, the old local token is none any more"""
    rig = Shared.rig
    old = local_token(rig)
    made = rig.rest("/tokens", {"name": "kept", "scopes": ["read"], "days": 1}, "POST", headers=old)
    pid = rig.station_pid()
    os.kill(pid, signal.SIGKILL)
    rig.process.wait(timeout=LIMIT_S)
    rig.process = None
    rig.start()
    equal(refused(rig, "GET", "/api/v1/slots", headers=Shared.cookies["admin"]), (401, "login-needed"))
    equal(refused(rig, "GET", "/api/v1/slots", headers=old), (401, "token-invalid"))
    equal(ask(rig, "GET", "/api/v1/slots", headers={"Authorization": "Bearer " + made["token"]})[0], 200)
    equal(sorted(p["name"] for p in rig.rest("/people", headers=local_token(rig))["items"]), sorted(ROLES))
    Shared.cookies["admin"] = log_in(rig, badge="badge-of-admin")


def guesses(rig, **body):
    """How many are looked at until one has to wait, and for how long."""
    for n in range(20):
        status, headers, said = ask(rig, "POST", "/api/v1/session", {k: v.format(n) for k, v in body.items()})
        if status == 429:
            equal(said["code"], "login-wait")
            return n, int(headers["Retry-After"])
        equal((status, said["code"]), (401, "login-failed"))
    raise AssertionError("nobody is held up")


@test
def back_off():
    """who guesses waits longer and longer, by name and by address; the right PIN too, and the answer says how long"""
    rig = Shared.rig
    begun = time.monotonic()
    looked_at, wait = guesses(rig, name="qa", pin="guess-{}")
    assert looked_at >= 6 and wait >= 1, (looked_at, wait)
    said = refused(rig, "POST", "/api/v1/session", {"name": "qa", "pin": "pin-of-qa"})
    assert said == (429, "login-wait") or time.monotonic() - begun > 2, said
    log_in(rig, name="operator", pin="pin-of-operator")  # another name is not held up, and clears the address
    # a name that nobody has is as slow and as final
    looked_at, _ = guesses(rig, name="nobody", pin="guess-{}")
    assert looked_at >= 6, looked_at
    looked_at, _ = guesses(rig, badge="guess-{}")
    assert 1 <= looked_at <= 5, "the address had its ten before"
    equal(ask(rig, "GET", "/api/v1/slots", headers=Shared.cookies["admin"])[0], 200, "who is in stays in")
    until(lambda: ask(rig, "POST", "/api/v1/session", {"name": "qa", "pin": "pin-of-qa"})[0] == 201, "the wait is over")


@test
def audit_trail():
    """the audit has every login, failure, logout, person and token, by whom and from where; filters; no secrets; pages"""
    rig, admin = Shared.rig, Shared.cookies["admin"]
    rows, cursor = [], ""
    while cursor is not None:
        page = rig.rest(f"/audit?limit=20{cursor and '&cursor=' + cursor}", headers=admin)
        rows, cursor = rows + page["items"], page["next"]
    kinds = {row["what"] for row in rows}
    assert {"login", "login-failed", "logout", "person-added", "person-removed", "person-role", "person-pin",
            "person-badge", "token-created", "token-revoked"} <= kinds, kinds
    text = json.dumps(rows)
    for secret in ("argon2", "pin-of", "badge-of", "guess-", "hash", "nobody"):
        assert secret not in text, secret
    assert {row["from"] for row in rows} == {"127.0.0.1"}
    numbers = [int(row["id"]) for row in rows]
    equal(numbers, sorted(numbers, reverse=True))
    equal({r["who"] for r in rig.rest("/audit?who=admin&limit=1000", headers=admin)["items"]}, {"admin"})
    equal({r["what"] for r in rig.rest("/audit?what=token-created", headers=admin)["items"]}, {"token-created"})
    equal(rig.rest("/audit?to=2020-01-01T00:00:00Z", headers=admin)["items"], [])
    middle = rows[len(rows) // 2]["at"]
    after = rig.rest(f"/audit?from={middle}&limit=1000", headers=admin)["items"]
    equal([r["id"] for r in after], [r["id"] for r in rows if r["at"] >= middle])
    # the table has the same rows, the other way round
    def table(query=""):
        return list(csv.reader(io.StringIO(ask(rig, "GET", f"/api/v1/exports/audit.csv{query}", headers=admin)[2].decode())))[1:]
    by_id = {row["id"]: row for row in rows}
    exported = [row for row in table() if row[0] in by_id]
    equal([(r[0], r[1], r[2], r[3], r[4], json.loads(r[5])) for r in exported],
          [(r["id"], r["at"], r["who"] or "", r["from"], r["what"], r["details"]) for r in reversed(rows)])
    equal({r[2] for r in table("?who=admin")}, {"admin"})
    equal(table("?to=2020-01-01T00:00:00Z"), [])
    with rig.database() as db:  # the rows of the journal that say by whom, counted by another reader
        count, = db.execute("SELECT count(*) FROM journal WHERE json_type(body, '$.by') IS NOT NULL").fetchone()
    equal(len(rows), count)
    Shared.rig = None
    rig.__exit__(None)


@test
def who_did_it():
    """orders and attempts carry who gave them: the operator at the line, who ordered it, else who opened the batch"""
    rig = Rig(cameras=1, start=False, speed="instant", mode="run")
    with rig:
        rig.start()
        for name, role in (("olga", "operator"), ("sven", "supervisor")):
            rig.rest("/people", {"name": name, "role": role, "badge": f"badge-of-{name}"}, "POST")
        sven = log_in(rig, badge="badge-of-sven")
        sha = rig.rest("/recipes", open(rig.recipe(), "rb").read(), "POST", "application/octet-stream", sven)["sha256"]
        batch = rig.rest("/batches", {"order": "WO-1", "recipe": sha, "quantity": 5}, "POST", headers=sven)
        equal((batch["opened_by"], rig.rest(f"/recipes/{sha}")["added_by"]), ("sven", "sven"))

        def attempt(told, state):
            before = rig.rest("/attempts")["items"][:1]
            told()
            until(lambda: rig.rest("/attempts")["items"][:1] != before, "an attempt begins")
            rig.wait_slot(1, {state})
            return rig.rest("/attempts")["items"][0]
        olga = log_in(rig, badge="badge-of-olga")
        first = attempt(lambda: rig.control("power-cycle 1 hold"), "passed")
        equal((first["verdict"], first["operator"]), ("PASS", "olga"), "the newest at the line")
        rig.rest("/session/end", {}, "POST", headers=olga)
        again = attempt(lambda: rig.control("power-cycle 1 hold"), "refused")
        equal((again["code"], again["operator"]), ("already-passed", "sven"), "olga has gone")
        rig.rest("/slots/1/disable", {}, "POST", headers=sven)
        rig.rest("/session/end", {}, "POST", headers=sven)
        rig.control("power-cycle 1 hold")
        until(lambda: rig.slots()[0]["camera"] == "bootloader", "the camera waits")
        sven = log_in(rig, badge="badge-of-sven")
        made = rig.rest("/tokens", {"name": "bot", "scopes": ["slots"], "days": 1}, "POST")
        bot = {"Authorization": "Bearer " + made["token"]}
        third = attempt(lambda: rig.rest("/slots/1/deploy", {"recipe": sha}, "POST", headers=bot), "passed")
        equal((third["kind"], third["operator"]), ("deploy", "token:bot"))
        rig.rest(f"/units/{first['uid']}/serial", {"serial": "SN-1"}, "POST", headers=sven)
        rig.rest(f"/batches/{batch['id']}/hold", {}, "POST")
        equal(rig.rest(f"/batches/{batch['id']}/close", {}, "POST", headers=sven)["closed_by"], "sven")
        equal(rig.rest(f"/recipes/{sha}/revoke", {"reason": "old"}, "POST", headers=sven)["revoked_by"], "sven")
        did = {(r["what"], r["who"]) for r in rig.rest("/audit?limit=1000")["items"]}
        assert {("slot-disabled", "sven"), ("slot-ordered", "token:bot"), ("unit-serial", "sven"), ("batch-held", None),
                ("batch-closed", "sven"), ("recipe-revoked", "sven"), ("recipe-added", "sven")} <= did, did
        assert rig.rest("/tokens")["items"][0]["last_change_at"], "when the token last ordered something"
        equal(len(rig.rest("/attempts?operator=olga")["items"]), 1)
        with open(os.path.join(rig.work, "log"), encoding="utf-8") as f:
            logged = [line.rstrip("\n") for line in f if line.startswith("at=")]
        form = re.compile(r'at=\S+Z level=(error|warning|info|debug)( slot=\d+( attempt=\d+)?)? msg="[^"]*"')
        equal([line for line in logged if not form.fullmatch(line)], [], "lines of the log in another form")
        for told in (first, again, third):
            ended = [line for line in logged if f" level=info slot=1 attempt={told['id']} msg=" in line]
            equal(len(ended), 1, f"the end of attempt {told['id']} in the log")


def certificate(folder, name="station", key="ec"):
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else ["-newkey", "rsa:2048"]
    paths = [os.path.join(folder, f"{name}.{end}") for end in ("crt", "key")]
    subprocess.run(["openssl", "req", "-x509", *kind, "-nodes", "-days", "2", "-subj", "/CN=station1.example",
                    "-addext", "subjectAltName=DNS:station1.example,IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True, timeout=LIMIT_S)
    os.chmod(paths[1], 0o600)
    return paths


def handshake(port, *words):
    """What openssl says of the connection: (protocol, cipher), or None when there is none."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *words], input="", text=True,
                          capture_output=True, timeout=LIMIT_S)
    found = re.search(r"New, (TLSv[0-9.]+), Cipher is (\S+)", done.stdout)
    return (found[1], found[2]) if found and done.returncode == 0 else None


@test
def tls():
    """TLS 1.2 and 1.3 with forward secrecy and nothing older; a Secure cookie; Host and Origin by name; stationctl"""
    for key in ("ec", "rsa"):
        rig = Rig(cameras=0, start=False, speed="instant")
        cert, key_file = certificate(rig.work, key=key)
        with open(rig.config, "a", encoding="ascii") as f:
            f.write(f"[http]\ntls_cert = {cert}\ntls_key = {key_file}\nnames = station1.example\n{REQUIRED}")
        with rig:
            rig.start()
            port = rig.url.rsplit(":", 1)[1]
            equal(handshake(port, "-tls1_3")[0], "TLSv1.3")
            protocol, cipher = handshake(port, "-tls1_2")
            assert protocol in ("TLSv1.2", "TLSv1.3") and cipher.startswith("ECDHE-"), (protocol, cipher)
            for words in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"]):
                equal(handshake(port, *words), None, words)
            curl = ["curl", "-s", "-S", "--cacert", cert, "-H", "Content-Type: application/json", "--max-time", "30"]
            name = ["--resolve", f"station1.example:{port}:127.0.0.1", f"https://station1.example:{port}/api/v1/session"]
            said = json.loads(subprocess.run([*curl, *name], check=True, capture_output=True, timeout=LIMIT_S).stdout)
            equal((said["login"], said["name"]), ("required", None))
            status = [*curl, "-o", "/dev/null", "-w", "%{http_code}"]
            for extra, want in ((["-H", f"Host: evil.example:{port}"], "421"), (["-H", f"Origin: https://station1.example:{port}",
                                "-d", "{}"], "400"), (["-H", f"Origin: http://station1.example:{port}", "-d", "{}"], "403")):
                got = subprocess.run([*status, *extra, *name], check=True, capture_output=True, text=True, timeout=LIMIT_S)
                equal(got.stdout, want, extra)
            done = subprocess.run([CTL, "people", "add", "anna", "--role", "qa", "--badge", "-c", rig.config], text=True,
                                  input="badge-of-anna\n", capture_output=True, timeout=LIMIT_S)
            equal(done.returncode, 0, done.stderr)
            head = subprocess.run([*curl, "-D", "-", "-d", '{"badge":"badge-of-anna"}', *name], check=True,
                                  capture_output=True, text=True, timeout=LIMIT_S).stdout
            assert re.search(rf"^Set-Cookie: __Host-romline_{port}=\S+; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$",
                             head, re.M), head
            # plain HTTP, and a hand that is never given, get nothing and hold nothing up
            with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT_S) as silent:
                silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert b"HTTP/" not in silent.recv(100)
            context = ssl.create_default_context(cafile=cert)
            with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT_S) as raw, \
                    context.wrap_socket(raw, server_hostname="127.0.0.1") as link:
                link.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                assert link.recv(12) == b"HTTP/1.1 200"
            # a stream that sleeps and is woken
            made = subprocess.run([CTL, "token", "create", "reader", "--scope", "read", "-c", rig.config], text=True,
                                  check=True, capture_output=True, timeout=LIMIT_S).stdout.strip()
            with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT_S) as raw, \
                    context.wrap_socket(raw, server_hostname="127.0.0.1") as link:
                link.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                             f"Authorization: Bearer {made}\r\n\r\n".encode())
                got = b""
                while b"retry: 1000" not in got:
                    got += link.recv(4096) or b"retry: 1000 ended"
                subprocess.run([CTL, "people", "remove", "anna", "-c", rig.config], check=True, capture_output=True,
                               timeout=LIMIT_S)
                while b"event: person-removed\ndata: {}\n" not in got:
                    more = link.recv(4096)
                    assert more, got
                    got += more


@test
def unsafe_addresses():
    """another address than loopback: only with TLS and login; each lack and each bad certificate is named before a start"""
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f"{work}/trust")
        cert, key = certificate(work)
        other = certificate(work, "other")[1]
        open_key = os.path.join(work, "open.key")
        with open(key, encoding="ascii") as f, open(open_key, "w", encoding="ascii") as out:
            out.write(f.read())
        os.chmod(open_key, 0o644)
        tls_lines = f"tls_cert = {cert}\ntls_key = {key}\n"
        rows = (("listen = 0.0.0.0:0\n", "", "listen-unsafe"), (f"listen = 0.0.0.0:0\n{tls_lines}", "", "listen-unsafe"),
                ("listen = 0.0.0.0:0\n", REQUIRED, "listen-unsafe"), ("listen = [::]:0\n", REQUIRED, "listen-unsafe"),
                (f"tls_cert = {cert}\n", "", "config-invalid"), (f"tls_key = {key}\n", "", "config-invalid"),
                (f"tls_cert = {cert}\ntls_key = {other}\n", "", "config-invalid"),
                (f"tls_cert = {key}\ntls_key = {key}\n", "", "config-invalid"),
                (f"tls_cert = {cert}\ntls_key = {open_key}\n", "", "config-invalid"),
                (f"tls_cert = {work}/none\ntls_key = {key}\n", "", "file-failed"),
                (f"listen = 0.0.0.0:0\n{tls_lines}", REQUIRED, None))
        for http_lines, people, code in rows:
            with open(f"{work}/conf", "w", encoding="ascii") as f:
                f.write(f"[station]\nname = own\nstate_dir = {work}/state\nboards = {os.path.abspath('fixtures/boards')}\n"
                        f"[http]\n{http_lines}[recipes]\ntrust = {work}/trust\n{people}")
            done = subprocess.run([f"{STATION_BUILD}/stationd", "-c", f"{work}/conf", "--check-config"],
                                  capture_output=True, text=True, timeout=LIMIT_S)
            equal(done.returncode, 1 if code else 0, (http_lines, people, done.stderr))
            assert not code or done.stderr.startswith(f"stationd: {code}: "), done.stderr
        # a socket that was passed is held to the same rule
        with socket.create_server(("0.0.0.0", 0)) as passed:
            with open(f"{work}/conf", "w", encoding="ascii") as f:
                f.write(f"[station]\nname = own\nstate_dir = {work}/state\nboards = {os.path.abspath('fixtures/boards')}\n"
                        f"[recipes]\ntrust = {work}/trust\n")
            done = subprocess.run(["sh", "-c", f"exec 3<&{passed.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh",
                                   f"{STATION_BUILD}/stationd", "-c", f"{work}/conf"], pass_fds=[passed.fileno()],
                                  capture_output=True, text=True, timeout=LIMIT_S)
            assert done.returncode == 1 and "listen-unsafe" in done.stderr, done


test.main()
