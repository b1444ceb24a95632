#!/usr/bin/env python3
"""REST, as a client sees it: shapes and refusals over a virtual line, and raw sockets where a library would be too
polite."""
import concurrent.futures
import csv
import hashlib
import html
import http.client
import io
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from harness import CTL, STATION_BUILD, Refused, Rig, Tests, equal, until

test = Tests()
SLOT_KEYS = ["slot", "name", "path", "enabled", "state", "uid", "serial", "scanned", "attempt", "batch", "kind", "permit", "camera",
             "board", "step", "done_bytes", "total_bytes", "verdict", "code", "message", "action", "since"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JSON = {"Content-Type": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}
LIMIT_S = 60  # bounds a failure; nothing below waits for a time to pass


class Shared:
    """One station for all tests; made by the first, ended by the last."""
    rig = recipe = sha = batch = port = None


def begin():
    Shared.rig = Rig("openmv-n6", cameras=2, start=False)
    subprocess.run(["minisign", "-G", "-W", "-p", f"{Shared.rig.trust}/second.pub", "-s", f"{Shared.rig.work}/second.key"],
                   check=True, stdout=subprocess.DEVNULL)
    Shared.recipe, Shared.sha, Shared.batch = Shared.rig.prepare()
    Shared.rig.start()
    Shared.rig.wait_rest()
    find_port()


def find_port():
    Shared.port = int(Shared.rig.url.rsplit(":", 1)[1])


def call(method, path, body=None, headers=None):
    """(status, headers, body) of one request on a connection of its own."""
    link = http.client.HTTPConnection("127.0.0.1", Shared.port, timeout=LIMIT_S)
    try:
        link.request(method, path, body=body, headers=headers or {})
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        link.close()


def problem(got, status, code):
    """A refusal is a problem document with its code."""
    equal((got[0], got[1]["Content-Type"]), (status, "application/problem+json"), got[2])
    document = json.loads(got[2])
    equal((document["status"], document["code"]), (status, code))
    for key in ("type", "title", "detail", "action"):
        assert document[key], f"{key} is missing: {document}"
    return document


def raw(data, port=None):
    """Everything that comes back until the station closes."""
    with socket.create_connection(("127.0.0.1", port or Shared.port), timeout=LIMIT_S) as s:
        s.sendall(data)
        got = b""
        while piece := s.recv(65536):
            got += piece
    return got


def head(method, path, *lines, host=None):
    host = host if host is not None else f"127.0.0.1:{Shared.port}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


@test
def shapes():
    """slots, batches, attempts and units have their keys, times and ids"""
    begin()
    status, headers, body = call("GET", "/api/v1/slots")
    equal((status, headers["Content-Type"]), (200, "application/json"))
    page = json.loads(body)
    equal((list(page), page["next"], len(page["items"])), (["items", "next"], None, 2))
    for number, slot in enumerate(page["items"], 1):
        equal(list(slot), SLOT_KEYS)
        equal((slot["slot"], slot["state"], slot["verdict"], slot["code"]), (number, "passed", "PASS", "ok"))
        equal((slot["enabled"], slot["serial"], slot["step"], slot["batch"]), (True, None, None, Shared.batch))
        assert TIME.fullmatch(slot["since"]) and isinstance(slot["attempt"], str)
        attempt = json.loads(call("GET", f"/api/v1/attempts/{slot['attempt']}")[2])
        equal((attempt["id"], attempt["uid"], attempt["slot"]), (slot["attempt"], slot["uid"], number))
        unit = json.loads(call("GET", f"/api/v1/units/{slot['uid']}")[2])
        equal(json.loads(call("GET", f"/api/v1/units/{slot['uid'].upper()}")[2]), unit)
        equal((unit["uid"], [a["id"] for a in unit["attempts"]]), (slot["uid"], [slot["attempt"]]))
        equal(json.loads(call("GET", f"/api/v1/slots/{number}")[2]), slot)
    batch = json.loads(call("GET", f"/api/v1/batches/{Shared.batch}")[2])
    equal((batch["order"], batch["recipe"], batch["state"], batch["passed"]), ("WO-1", Shared.sha, "open", 2))
    recipe = json.loads(call("GET", f"/api/v1/recipes/{Shared.sha}")[2])
    equal((recipe["sha256"], recipe["name"], recipe["board"]), (Shared.sha, "app", "openmv-n6"))


@test
def station():
    """station and health say what is going on"""
    got = json.loads(call("GET", "/api/v1/station")[2])
    equal((got["name"], got["state"], got["slots"], got["code"]), ("test", "running", 2, None))
    equal([(b["id"], b["passed"], b["quantity"]) for b in got["batches"]], [(Shared.batch, 2, 100)])
    equal([call("GET", p)[0] for p in ("/healthz", "/readyz")], [200, 200])


@test
def pages():
    """lists go by pages: limit, cursor, next"""
    one = json.loads(call("GET", "/api/v1/slots?limit=1")[2])
    equal(([s["slot"] for s in one["items"]], one["next"]), ([1], "1"))
    two = json.loads(call("GET", f"/api/v1/slots?limit=1&cursor={one['next']}")[2])
    equal(([s["slot"] for s in two["items"]], two["next"]), ([2], None))
    seen, cursor = [], ""
    for _ in range(3):
        page = json.loads(call("GET", f"/api/v1/attempts?limit=1{cursor}")[2])
        seen += [a["id"] for a in page["items"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    equal(len(seen), 2)
    equal(len(set(seen)), 2)
    uid = json.loads(call("GET", "/api/v1/slots/2")[2])["uid"]
    found = json.loads(call("GET", f"/api/v1/attempts?uid={uid}&verdict=PASS&slot=2&batch={Shared.batch}")[2])
    equal([a["uid"] for a in found["items"]], [uid])
    for query in ("limit=0", "limit=1001", "cursor=x", "nonsense=1", "limit=1&limit=2", "from=today", "slot=%00",
                  "verdict=pass", "code=nonsense", "recipe=abc", "serial=%ff", "serial=%ed%a0%80"):
        problem(call("GET", f"/api/v1/attempts?{query}"), 400, "bad-request")


@test
def unknown():
    """404 and 405 are problem documents; 405 names what is allowed"""
    for path in ("/api/v1/slots/99", "/api/v1/attempts/999999", "/api/v1/batches/999999", "/nothing", "/api/v1/",
                 "/api/v1/recipes/" + "0" * 64, "/api/v1/units/nobody", "/../etc/passwd", "/api/v1/slots/1/"):
        problem(call("GET", path), 404, "not-found")
    got = call("DELETE", "/api/v1/batches", headers=JSON)
    problem(got, 405, "method-not-allowed")
    equal(got[1]["Allow"], "GET, HEAD, POST")
    got = call("GET", "/api/v1/slots/1/retry")
    problem(got, 405, "method-not-allowed")
    equal(got[1]["Allow"], "POST")


@test
def head_requests():
    """HEAD has the header of GET and no body"""
    status, headers, body = call("HEAD", "/api/v1/slots")
    equal((status, body), (200, b""))
    equal(int(headers["Content-Length"]), len(call("GET", "/api/v1/slots")[2]))


@test
def hosts():
    """a Host that is not ours gets 421, also without a port and when there is none"""
    for host in ("evil.example", f"evil.example:{Shared.port}", "127.0.0.1", "localhost:1", "",
                 f"127.0.0.1.evil.example:{Shared.port}"):
        got = raw(head("GET", "/api/v1/slots", "Connection: close", host=host))
        assert got.startswith(b"HTTP/1.1 421 ") and b'"wrong-host"' in got, (host, got[:200])
    for host in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
        got = raw(head("GET", "/healthz", "Connection: close", host=f"{host}:{Shared.port}"))
        assert got.startswith(b"HTTP/1.1 200 "), (host, got[:200])
    got = raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert b" 421 " in got.split(b"\r\n")[0] and b'"wrong-host"' in got, got[:200]
    # RFC 9112 wants 400 for HTTP/1.1 without a Host, and the library gives it before anybody else is asked
    got = raw(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b" 400 " in got.split(b"\r\n")[0], got[:200]
    equal(raw(head("GET", "/healthz x", "Connection: close")), b"", "no request line has four words")


@test
def origins():
    """a page of another site may not change anything"""
    path, own = "/api/v1/slots/99/retry", f"http://localhost:{Shared.port}"
    for extra in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                  {"Origin": f"http://127.0.0.1:{Shared.port + 1}"}):
        problem(call("POST", path, b"", {**JSON, **extra}), 403, "foreign-origin")
    problem(call("POST", path, b"", {**JSON, "Origin": own, "Sec-Fetch-Site": "same-origin"}), 404, "not-found")


@test
def content_types():
    """unsafe methods need the content type that their route takes"""
    for kind in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, OCTETS,
                 {"Content-Type": "application/json; charset=latin1"}):
        problem(call("POST", "/api/v1/slots/99/retry", b"{}", kind), 415, "media-type")
    problem(call("POST", "/api/v1/recipes", b"{}", JSON), 415, "media-type")
    problem(call("POST", "/api/v1/slots/99/retry", b"", JSON), 404, "not-found")


@test
def security_headers():
    """every answer carries the policy headers, also refusals; the page for no script has none"""
    for path in ("/plain", "/style.css", "/api/v1/slots", "/nothing", "/assets/nothing.js"):
        headers = call("GET", path)[1]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, policy
        equal((headers["X-Content-Type-Options"], headers["Cache-Control"]), ("nosniff", "no-store"))
    page = html.unescape(call("GET", "/plain")[2].decode())
    equal(page.count(">PASS<"), 2)
    assert "<script" not in page and "style=" not in page and Shared.rig.slots()[0]["uid"] in page


@test
def dashboard():
    """the page is asked for anew each time, its files are kept for ever under their hash; both by strong tags"""
    for path in ("/", "/units", "/units/0000000300000002deadbeef"):
        status, headers, body = call("GET", path)
        equal((status, headers["Content-Type"], headers["Cache-Control"]), (200, "text/html; charset=utf-8", "no-cache"))
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert re.fullmatch(r'"[0-9a-f]{64}"', headers["ETag"]), headers["ETag"]
        again = call("GET", path, headers={"If-None-Match": headers["ETag"]})
        equal((again[0], again[1]["ETag"], again[2]), (304, headers["ETag"], b""))
        equal(call("GET", path, headers={"If-None-Match": '"other"'})[2], body)
    page = body.decode()
    assert "<script>" not in page and "style=" not in page and 'url=/plain' in page, page
    files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    equal(sorted(f.rsplit(".", 1)[1] for f in files), ["css", "js", "svg", "txt"])
    for path in files:
        assert re.search(r"-[A-Z0-9]{8}\.[a-z]+$", path), path
        status, headers, body = call("GET", path)
        equal((status, headers["Cache-Control"]), (200, "public, max-age=31536000, immutable"))
        equal(headers["ETag"], f'"{hashlib.sha256(body).hexdigest()}"')
        equal(call("GET", path, headers={"If-None-Match": headers["ETag"]})[0], 304)
        equal(len(call("HEAD", path)[2]), 0)
    problem(call("GET", "/assets/main.js"), 404, "not-found")
    problem(call("GET", "/assets/..%2findex.html"), 404, "not-found")


@test
def framing():
    """a request whose length can be read in two ways is refused and its connection ends"""
    for lines in (["Content-Length: 2", "Transfer-Encoding: chunked"], ["Content-Length: 2", "Content-Length: 3"],
                  ["Transfer-Encoding: gzip"], ["Content-Length: 2, 3"], ["Content-Length : 2"],
                  ["Transfer-Encoding : chunked"]):
        smuggled = head("GET", "/healthz")
        got = raw(head("POST", "/api/v1/slots/99/retry", "Content-Type: application/json", *lines) +
                  b"0\r\n\r\n" + smuggled)
        first = got.split(b"\r\n")[0]
        # the library answers a Content-Length that is no number by itself, and twice at that
        assert b" 400 " in first and b" 200 " not in got, (lines, got[:300])


@test
def keep_alive():
    """several requests on one connection, refused bodies read away in between"""
    link = http.client.HTTPConnection("127.0.0.1", Shared.port, timeout=LIMIT_S)
    for body, status in ((b"{}", 404), (b"x" * 100, 404), (b"{" * 70000, 413), (b"{}", 404)):
        path = "/api/v1/slots/99/retry" if status == 413 or body == b"{}" else "/nothing"
        link.request("POST", path, body=body, headers=JSON)
        answer = link.getresponse()
        equal((answer.status, bool(answer.read())), (status, True))
        assert link.sock, "the connection was closed"
    link.close()


@test
def strict_json():
    """bodies are strict JSON within their size"""
    good = {"order": "X", "recipe": Shared.sha, "quantity": 1}
    for body in (b"", b"[]", b"nul", b'{"order":"X"}', json.dumps(good).encode() + b"x", b'{"order":"\xff"}',
                 b'{"order":"X","order":"Y"}', json.dumps({**good, "more": 1}).encode(), b'{"order":"\\u0000"}',
                 json.dumps({**good, "quantity": "1"}).encode(), json.dumps({**good, "quantity": 1.5}).encode(),
                 json.dumps({**good, "quantity": 0}).encode(), b"\xef\xbb\xbf{}", b"[" * 100 + b"]" * 100):
        problem(call("POST", "/api/v1/batches", body, JSON), 400, "json-invalid")
    for change in ({"recipe": "abc"}, {"recipe": Shared.sha.upper()}, {"order": ""}, {"order": "x" * 65},
                   {"order": "a\nb"}):
        problem(call("POST", "/api/v1/batches", json.dumps({**good, **change}), JSON), 400, "bad-request")
    problem(call("POST", "/api/v1/batches", json.dumps({**good, "recipe": "0" * 64}), JSON), 404, "not-found")
    problem(call("POST", "/api/v1/slots/99/retry", b'{"a":1}', JSON), 400, "json-invalid")
    problem(call("POST", "/api/v1/slots/99/retry", b" " * 65537, JSON), 413, "too-large")
    problem(call("POST", "/api/v1/batches", b" " * 1048577, JSON), 413, "too-large")
    problem(call("POST", "/api/v1/batches", b" " * 70000, JSON), 400, "json-invalid")  # 64 KiB is not its limit


@test
def early_refusal():
    """a client that asks first is told before it sends; an endless body ends its connection"""
    huge = head("POST", "/api/v1/recipes", "Content-Type: application/octet-stream", "Content-Length: 67108865",
                "Expect: 100-continue")
    got = raw(huge)
    assert got.startswith(b"HTTP/1.1 413 ") and b"100 Continue" not in got, got[:200]
    with socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S) as s:
        s.sendall(head("POST", "/api/v1/slots/99/retry", "Content-Type: application/json",
                       "Transfer-Encoding: chunked"))
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        ended = False
        for _ in range(4096):
            try:
                s.sendall(piece)
            except OSError:
                ended = True
                break
        assert ended, "256 MiB were taken for a body of 64 KiB"


@test
def recipes():
    """recipes: known 200, new 201, chunked as well; refused ones leave nothing behind"""
    folder = os.path.join(Shared.rig.state, "recipes")
    with open(Shared.recipe, "rb") as f:
        known = f.read()
    status, headers, body = call("POST", "/api/v1/recipes", known, OCTETS)
    equal((status, json.loads(body)["sha256"], headers["Location"]), (200, Shared.sha, None))
    with open(Shared.rig.recipe(name="second"), "rb") as f:
        new = f.read()
    status, headers, body = call("POST", "/api/v1/recipes", iter([new[:1000], new[1000:]]), OCTETS)
    sha = json.loads(body)["sha256"]
    equal((status, headers["Location"]), (201, f"/api/v1/recipes/{sha}"))
    equal(call("POST", "/api/v1/recipes", new, OCTETS)[0], 200)
    before = sorted(os.listdir(folder))
    equal(len(before), 2)
    both = f"{Shared.rig.work}/both.img"
    subprocess.run([CTL, "recipe", "sign", "-k", f"{Shared.rig.work}/second.key", f"{Shared.rig.work}/second-1.0.0.img", "-o",
                    both], check=True, stdout=subprocess.DEVNULL)
    for path, count in ((both, 2), (f"{Shared.rig.work}/second-1.0.0.img", 1)):  # the newest set of signatures holds
        with open(path, "rb") as f:
            status, _, body = call("POST", "/api/v1/recipes", f.read(), OCTETS)
        equal((status, json.loads(body)["sha256"], len(json.loads(body)["signers"])), (200, sha, count))
    equal(sorted(os.listdir(folder)), before)
    problem(call("POST", "/api/v1/recipes", b"", OCTETS), 422, "recipe-malformed")
    problem(call("POST", "/api/v1/recipes", new[:-1], OCTETS), 422, "recipe-malformed")
    damaged = bytearray(new)
    damaged[2000] ^= 1
    problem(call("POST", "/api/v1/recipes", bytes(damaged), OCTETS), 422, "signature-bad")
    with open(Shared.rig.recipe(name="third", sign=False), "rb") as f:
        problem(call("POST", "/api/v1/recipes", f.read(), OCTETS), 422, "unsigned")
    with socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S) as s:
        s.sendall(head("POST", "/api/v1/recipes", "Content-Type: application/octet-stream",
                       f"Content-Length: {len(new)}") + new[:5000])
        until(lambda: len(os.listdir(folder)) == 3, "the upload begins")
    until(lambda: sorted(os.listdir(folder)) == before, "the broken upload is cleared away")


@test
def batches():
    """batches: one per board, held, resumed, closed; closed for good"""
    body = json.dumps({"order": "WO-2", "recipe": Shared.sha, "quantity": 5})
    problem(call("POST", "/api/v1/batches", body, JSON), 409, "batch-open")
    path = f"/api/v1/batches/{Shared.batch}"
    for verb, state in (("hold", "held"), ("resume", "open"), ("close", "closed")):
        got = call("POST", f"{path}/{verb}", b"", JSON)
        equal((got[0], json.loads(got[2])["state"]), (200, state))
        if verb != "close":
            problem(call("POST", f"{path}/{verb}", b"", JSON), 409, "conflict")
    for verb in ("hold", "resume", "close"):
        problem(call("POST", f"{path}/{verb}", b"{}", JSON), 409, "conflict")
    problem(call("POST", "/api/v1/batches/999999/close", b"", JSON), 404, "not-found")
    status, headers, body = call("POST", "/api/v1/batches", body, JSON)
    batch = json.loads(body)
    equal((status, headers["Location"]), (201, f"/api/v1/batches/{batch['id']}"))
    equal((batch["order"], batch["quantity"], batch["state"]), ("WO-2", 5, "open"))
    equal(call("POST", f"/api/v1/batches/{batch['id']}/close", b"", JSON)[0], 200)


@test
def idempotency():
    """an Idempotency-Key opens one batch, however often and however many at once"""
    body = json.dumps({"order": "WO-3", "recipe": Shared.sha, "quantity": 5})
    headers = {**JSON, "Idempotency-Key": "mes-4711"}

    def ask(_):
        status, _, answer = call("POST", "/api/v1/batches", body, headers)
        return status, json.loads(answer).get("id")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(24)))
    equal(len(answers), 1, str(answers))
    status, batch = answers.pop()
    equal(status, 201)
    for other in (body.replace("WO-3", "WO-4"), body + " ", "{}", "no JSON at all"):
        problem(call("POST", "/api/v1/batches", other, headers), 422, "key-reused")
    for key in ("", "a b", "x" * 129):
        problem(call("POST", "/api/v1/batches", body, {**JSON, "Idempotency-Key": key}), 400, "bad-request")
    equal(call("POST", f"/api/v1/batches/{batch}/close", b"", JSON)[0], 200)
    equal(ask(0), (201, batch), "a repeat after the close is still a repeat")


@test
def slot_orders():
    """slots: disable, enable, retry and abort where they fit"""
    got = call("POST", "/api/v1/slots/1/disable", b"", JSON)
    equal((got[0], json.loads(got[2])["enabled"]), (200, False))
    got = call("POST", "/api/v1/slots/1/enable", b"{}", JSON)
    equal((got[0], json.loads(got[2])["enabled"]), (200, True))
    problem(call("POST", "/api/v1/slots/1/abort", b"", JSON), 409, "conflict")
    equal(call("POST", "/api/v1/slots/1/retry", b"", JSON)[0], 409)
    problem(call("POST", "/api/v1/slots/99/abort", b"", JSON), 404, "not-found")


@test
def upload_keys():
    """an Idempotency-Key on an upload: a repeat is answered as the first time, another file is refused"""
    with open(Shared.rig.recipe(name="keyed"), "rb") as f:
        image = f.read()
    headers = {**OCTETS, "Idempotency-Key": "up-1"}
    first = call("POST", "/api/v1/recipes", image, headers)
    again = call("POST", "/api/v1/recipes", iter([image[:100], image[100:]]), headers)
    for got in (first, again):
        sha = json.loads(got[2])["sha256"]
        equal((got[0], got[1]["Location"]), (201, f"/api/v1/recipes/{sha}"))
    equal(first[2], again[2])
    equal(call("POST", "/api/v1/recipes", image, {**OCTETS, "Idempotency-Key": "up-2"})[0], 200)
    problem(call("POST", "/api/v1/recipes", image[:-1], headers), 422, "key-reused")
    folder = os.path.join(Shared.rig.state, "recipes")
    headers = {**OCTETS, "Idempotency-Key": "up-3"}
    before = set(os.listdir(folder))  # what the refused one brought may not be gone yet
    with socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S) as s:
        s.sendall(head("POST", "/api/v1/recipes", "Content-Type: application/octet-stream", "Idempotency-Key: up-3",
                       f"Content-Length: {len(image)}") + image[:5000])
        until(lambda: set(os.listdir(folder)) - before, "the upload begins")
        problem(call("POST", "/api/v1/recipes", image, headers), 409, "key-in-use")
    until(lambda: call("POST", "/api/v1/recipes", image, headers)[0] == 200, "the broken upload gives its key free")
    for key in ("", "a b", "x" * 129):
        problem(call("POST", "/api/v1/recipes", image, {**OCTETS, "Idempotency-Key": key}), 400, "bad-request")


@test
def revoke():
    """a revoked recipe opens no batch and admits no camera any more"""
    sha = Shared.rig.upload(Shared.rig.recipe(name="bad"))
    path = f"/api/v1/recipes/{sha}/revoke"
    batch = Shared.rig.open_batch(sha, order="WO-R")
    for body in (b'{"reason":1}', b'{"why":"x"}', b'{"reason":"a","reason":"b"}'):
        problem(call("POST", path, body, JSON), 400, "json-invalid")
    for reason in ("", "x" * 129, "a\nb"):
        problem(call("POST", path, json.dumps({"reason": reason}), JSON), 400, "bad-request")
    got = call("POST", path, json.dumps({"reason": "wrong model inside"}), JSON)
    recipe = json.loads(got[2])
    equal((got[0], recipe["revoked"], recipe["revoked_reason"]), (200, True, "wrong model inside"))
    problem(call("POST", path, b"", JSON), 409, "conflict")
    problem(call("POST", f"/api/v1/recipes/{'0' * 64}/revoke", b"", JSON), 404, "not-found")
    Shared.rig.control("unplug 2")
    Shared.rig.wait_slot(2, {"empty"})
    Shared.rig.control("plug 2")
    slot = Shared.rig.wait_slot(2, {"refused"})
    equal((slot["code"], slot["verdict"]), ("recipe-revoked", "ERROR"))
    equal(call("POST", f"/api/v1/batches/{batch}/close", b"", JSON)[0], 200)
    problem(call("POST", "/api/v1/batches", json.dumps({"order": "X", "recipe": sha, "quantity": 1}), JSON), 422,
            "recipe-revoked")
    equal(call("POST", "/api/v1/recipes", open(f"{Shared.rig.work}/bad-1.0.0.img", "rb").read(), OCTETS)[0], 200)
    equal(json.loads(call("GET", f"/api/v1/recipes/{sha}")[2])["revoked"], True, "brought again it stays revoked")


@test
def serials():
    """a serial is bound to a unit, found by it, shared by two, taken off"""
    one, two = [s["uid"] for s in Shared.rig.slots()]

    def bind(uid, body):
        return call("POST", f"/api/v1/units/{uid}/serial", json.dumps(body), JSON)
    got = bind(one, {"serial": "SN 0001/\u00e4"})
    equal((got[0], json.loads(got[2])["serial"]), (200, "SN 0001/\u00e4"))
    rows = Shared.rig.rest("/station")["journal"]
    equal(bind(one, {"serial": "SN 0001/\u00e4"})[0], 200)
    equal(Shared.rig.rest("/station")["journal"], rows, "a repeat writes nothing")
    equal(json.loads(call("GET", "/api/v1/units/SN%200001%2F%C3%A4")[2])["uid"], one)
    equal([u["uid"] for u in Shared.rig.rest("/units?serial=SN%200001%2F%C3%A4")["items"]], [one])
    equal({a["uid"] for a in Shared.rig.rest("/attempts?serial=SN%200001%2F%C3%A4")["items"]}, {one})
    equal(Shared.rig.slots()[0]["serial"], "SN 0001/\u00e4")
    equal(bind(two, {"serial": "SN 0001/\u00e4"})[0], 200)
    got = call("GET", "/api/v1/units/SN%200001%2F%C3%A4")
    equal((got[0], {u["uid"] for u in json.loads(got[2])["items"]}), (300, {one, two}))
    for uid in (one, two):
        equal(json.loads(bind(uid, {"serial": None})[2])["serial"], None)
    problem(call("GET", "/api/v1/units/SN%200001%2F%C3%A4"), 404, "not-found")
    for body in ({}, {"serial": 1}, {"serial": ["a"]}, {"serial": "a", "by": "me"}, []):
        problem(bind(one, body), 400, "json-invalid")
    for serial in ("", "x" * 129, "a\tb", "\u007f"):
        problem(bind(one, {"serial": serial}), 400, "bad-request")
    problem(bind("0" * 24, {"serial": "a"}), 404, "not-found")


@test
def figures():
    """stats and units by filter; a resume that nothing needs is refused"""
    got = Shared.rig.rest(f"/stats?batch={Shared.batch}")
    equal((got["attempts"], got["pass"], got["fail"], got["units"], got["yield"]), (2, 2, 0, 2, 1))
    equal((got["first_pass_yield"], got["final_yield"], got["codes"]), (1, 1, [{"code": "ok", "count": 2}]))
    equal([(s["slot"], s["pass"]) for s in got["slots"]], [(1, 1), (2, 1)])
    equal((got["rates"]["final"]["good"], got["rates"]["final"]["of"], got["rates"]["retry"]["rate"]), (2, 2, None))
    equal(round(got["rates"]["yield"]["low"], 4), 0.3424)  # 1 / (1 + z^2 / 2)
    equal({s["step"] for s in got["steps"]["items"]} >= {"identified", "written", "read-back", "confirmed"}, True)
    equal(got["cycle"]["count"], sum(b["count"] for b in got["cycle"]["bins"]))
    equal(Shared.rig.rest("/stats?code=recipe-revoked")["refused"], 1)
    problem(call("GET", "/api/v1/stats?limit=1"), 400, "bad-request")
    uid = Shared.rig.slots()[0]["uid"]
    for query, count in ((f"uid={uid}", 1), ("board=openmv-n6", 2), ("board=openmv-m4", 0), ("limit=1", 1),
                         (f"batch={Shared.batch}", 2), ("batch=1", 0), ("order=WO-1", 2), ("order=nothing", 0),
                         (f"recipe={Shared.sha}&uid={uid}", 1), (f"batch={Shared.batch}&board=openmv-m4", 0),
                         ("to=2020-01-01T00:00:00Z", 0), ("from=2020-01-01T00:00:00Z", 2)):
        equal(len(Shared.rig.rest(f"/units?{query}")["items"]), count, query)
    problem(call("POST", "/api/v1/station/resume", b"", JSON), 409, "conflict")
    problem(call("POST", "/api/v1/station/resume", b'{"force":true}', JSON), 400, "json-invalid")


@test
def export():
    """the export has every attempt that the list has, oldest first, as RFC 4180 wants it"""
    def rows(query=""):
        status, headers, body = call("GET", f"/api/v1/exports/attempts.csv{query}")
        equal((status, headers["Content-Type"], headers["Transfer-Encoding"]), (200, "text/csv; charset=utf-8", "chunked"))
        assert body.endswith(b"\r\n") and body.count(b"\n") == body.count(b"\r\n"), body
        return list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    items = Shared.rig.rest("/attempts?limit=1000")["items"][::-1]
    got = rows()
    equal([r["id"] for r in got], [a["id"] for a in items])
    for row, attempt in zip(got, items):
        for key in ("uid", "usb_serial", "batch", "order", "recipe", "board", "verdict", "code", "started_at", "ended_at"):
            equal(row[key], attempt[key] or "", key)
        equal((row["slot"], row["refused"]), (str(attempt["slot"]), str(attempt["refused"]).lower()))
    equal([r["id"] for r in rows("?slot=2&verdict=PASS")],
          [a["id"] for a in items if (a["slot"], a["verdict"]) == (2, "PASS")])
    equal(rows("?order=nobody"), [])
    uid = Shared.rig.slots()[0]["uid"]
    for serial in ("=1+1", "@SUM(A1,B1)", "-1", "+1", "1-1"):  # nothing that a spreadsheet would run
        Shared.rig.rest(f"/units/{uid}/serial", {"serial": serial}, "POST")
        equal({r["serial"] for r in rows(f"?uid={uid}")}, {serial if serial == "1-1" else f"'{serial}"})
    Shared.rig.rest(f"/units/{uid}/serial", {"serial": None}, "POST")
    for query in ("?limit=1", "?cursor=1", "?from=x", "?slot=0"):
        problem(call("GET", f"/api/v1/exports/attempts.csv{query}"), 400, "bad-request")
    equal(call("HEAD", "/api/v1/exports/attempts.csv")[2], b"")


def metrics(text):
    """{(name, labels): value}, and every rule of the text format that a scraper relies on."""
    families, samples, family = {}, {}, None
    name = "[a-zA-Z_:][a-zA-Z0-9_:]*"
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family, help_text = re.fullmatch(rf"# HELP ({name}) (\S.*)", line).groups()
            assert family not in families and help_text.endswith("."), line
            families[family] = None
        elif line.startswith("# TYPE "):
            kind = re.fullmatch(rf"# TYPE {family} (gauge|counter)", line)[1]
            assert families[family] is None, line
            equal(family.endswith("_total"), kind == "counter", line)
            families[family] = kind
        else:
            label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
            found = re.fullmatch(rf"({name})(?:{{({label}(?:,{label})*)}})? (-?[0-9.e+]+)", line)
            assert found and found[1] == family and families[family], line
            assert found.groups()[:2] not in samples, f"{line} stands twice"
            samples[found.groups()[:2]] = float(found[3])
    assert all(families.values()), families
    return samples


@test
def prometheus():
    """the metrics are well formed and count what the API counts"""
    batch = Shared.rig.open_batch(Shared.sha, order='a "b" \\c', quantity=7)
    status, headers, body = call("GET", "/metrics")
    equal((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
    got = metrics(body.decode())
    stats = Shared.rig.rest("/stats")
    for code in stats["codes"]:
        verdict = "PASS" if code["code"] == "ok" else "ERROR"
        equal(got["romline_attempts_total", f'verdict="{verdict}",code="{code["code"]}"'], code["count"])
    equal(sum(v for (n, _), v in got.items() if n == "romline_attempts_total"), stats["attempts"])
    equal(sum(v for (n, _), v in got.items() if n == "romline_slots"), 2)
    states = [s["state"] for s in Shared.rig.slots()]
    for state in set(states):
        equal(got["romline_slots", f'state="{state}"'], states.count(state))
    labels = f'batch="{batch}",order="a \\"b\\" \\\\c",board="openmv-n6"'
    equal((got["romline_batch_quantity", labels], got["romline_batch_passed", labels]), (7, 0))
    equal((got["romline_held", None], got["romline_clock_lag_seconds", None]), (0, 0))
    assert got["romline_journal_rows_total", None] > 10
    checked = subprocess.run([shutil.which("promtool") or "build/tools/promtool", "check", "metrics"], input=body,
                             capture_output=True, timeout=LIMIT_S)
    equal((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""), "promtool")
    again = metrics(call("GET", "/metrics")[2].decode())
    key = ("romline_http_requests_total", 'status="2xx"')
    assert again[key] > got[key] > 0, (got[key], again[key])
    problem(call("GET", "/metrics?x=1"), 400, "bad-request")
    equal(call("POST", f"/api/v1/batches/{batch}/close", b"", JSON)[0], 200)


def fits(document, schema, value, where):
    """The value has the schema's form; the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
             "null": type(None)}
    unknown = set(schema) - {"type", "properties", "required", "additionalProperties", "items", "enum", "pattern",
                             "minimum", "maximum", "description", "format"}
    assert not unknown, f"{where}: this checker does not know {unknown}"
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        good = any(isinstance(value, kinds[n]) and (n == "boolean" or not isinstance(value, bool)) for n in names)
        assert good, f"{where}: {value!r} is no {names}"
    assert value in schema.get("enum", [value]), f"{where}: {value!r}"
    if isinstance(value, str):
        assert re.search(schema.get("pattern", ""), value), f"{where}: {value!r}"
    if isinstance(value, int):
        assert value >= schema.get("minimum", value), f"{where}: {value}"
    if isinstance(value, (int, float)):
        assert value <= schema.get("maximum", value), f"{where}: {value}"
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema.get("required", [])) <= set(value), f"{where}: {set(schema['required']) - set(value)} is missing"
        assert set(value) <= set(schema["properties"]), f"{where}: {set(value) - set(schema['properties'])} is unknown"
        for key, item in value.items():
            fits(document, schema["properties"][key], item, f"{where}.{key}")
    if isinstance(value, list):
        for number, item in enumerate(value):
            fits(document, schema["items"], item, f"{where}[{number}]")


@test
def many_figures():
    """60 ask for figures at once: each is answered or told that too many wait; others are answered meanwhile"""
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(call, "GET", "/api/v1/stats") for _ in range(60)]
        for _ in range(20):
            equal(call("GET", "/healthz")[0], 200)
        answers = [f.result() for f in asked]
    good = [a for a in answers if a[0] == 200]
    assert good and len({a[2] for a in good}) == 1, len(good)
    for answer in answers:
        if answer[0] != 200:
            problem(answer, 503, "too-many-clients")
    status, headers, body = call("HEAD", "/api/v1/stats")
    equal((status, int(headers["Content-Length"]), body), (200, len(good[0][2]), b""))
    raw(head("GET", "/api/v1/stats") + head("GET", "/api/v1/stats", "Connection: close"))  # one behind the other


@test
def description():
    """what the station answers is what its own description says, for every question and for refusals"""
    status, headers, body = call("GET", "/openapi.json")
    equal((status, headers["Content-Type"]), (200, "application/json"))
    with open("station/http/openapi.json", "rb") as f:
        equal(body, f.read())
    document = json.loads(body)
    batch = Shared.rig.open_batch(Shared.sha, order="DOC")
    values = {"slot": "1", "id": Shared.batch, "sha256": Shared.sha, "name": Shared.rig.slots()[0]["uid"]}
    attempt = Shared.rig.slots()[0]["attempt"]
    checked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        responses = operations["get"]["responses"]
        for kind, content in responses["200"]["content"].items():
            if kind not in ("application/json", "text/csv", "text/html", "text/css", "text/plain"):
                continue
            address = path.format(**{**values, "id": attempt if "attempts" in path else values["id"]})
            got = call("GET", address + ("?q=WO" if path.endswith("/search") else ""))
            equal((got[0], got[1]["Content-Type"].split(";")[0]), (200, kind), path)
            if kind == "application/json":
                fits(document, content["schema"], json.loads(got[2]), path)
                checked += 1
        if path.startswith("/api/"):
            got = call("GET", re.sub(r"\{\w+\}", values["slot"], path) + "?nonsense=1")
            assert str(got[0]) in responses, (path, got[0])
            fits(document, document["components"]["schemas"]["Problem"], json.loads(got[2]), path)
    assert checked > 14, checked
    equal(call("POST", f"/api/v1/batches/{batch}/close", b"", JSON)[0], 200)


@test
def command_line():
    """stationctl prints the body unchanged with --json, and refusals with their code"""
    def ctl(*words, env=None):
        done = subprocess.run([CTL, *words], capture_output=True, timeout=LIMIT_S,
                              env={**os.environ, "ROMLINE_URL": Shared.rig.url, **(env or {})})
        return done.returncode, done.stdout, done.stderr.decode()
    for words, path in ((["slot", "list"], "/slots?limit=1000"), (["attempts", "--slot", "2"], "/attempts?slot=2"),
                        (["batch", "list"], "/batches"), (["batch", "show", Shared.batch],
                                                          f"/batches/{Shared.batch}")):
        equal(ctl(*words, "--json"), (0, call("GET", f"/api/v1{path}")[2], ""))
        status, out, err = ctl(*words)
        assert status == 0 and out and not err, (words, out, err)
    slot = Shared.rig.slots()[0]
    uid, attempt = slot["uid"], slot["attempt"]
    for words, path in ((["unit", uid], f"/units/{uid}"), (["attempts", attempt], f"/attempts/{attempt}"),
                        (["slot", "show", "1"], "/slots/1"), (["unit", "nobody"], "/units/nobody")):
        equal(ctl(*words, "--json")[1], call("GET", f"/api/v1{path}")[2])
    assert uid in ctl("unit", uid)[1].decode()
    region = json.loads(call("GET", f"/api/v1/attempts/{attempt}")[2])["regions"][0]
    assert f"crc32 {region['crc32']} read {region['crc32_read']}\n" in ctl("attempts", attempt)[1].decode()
    for words in (["slot", "list"], ["attempts"], ["batch", "list"]):
        title, *lines = ctl(*words)[1].decode().splitlines()
        assert title.isupper() and lines and max(map(len, lines)) <= 160, (title, lines)
        for column in re.finditer(r"(?<= )[A-Z]+", title):  # each column begins below its title
            assert all(line[column.start() - 1] == " " != line[column.start()] for line in lines), (title, lines)
    for words in (["attempts"], ["batch"], ["batch", "open"], ["export"], ["slot", "retry"], ["station"], ["stats"], ["unit"],
                  ["line", "teach"], ["recipe", "add"]):
        for word in ("--help", "-h"):
            status, out, err = ctl(*words, word)
            assert (status, err) == (0, "") and out.startswith(f"usage: stationctl {words[0]}".encode()), (words, out, err)
    status, out, err = ctl("batch", "open", "--order", "CTL", "--recipe", Shared.recipe, "--quantity", "7", "--json")
    equal((status, err), (0, ""))
    batch = json.loads(out)
    equal((batch["recipe"], batch["quantity"]), (Shared.sha, 7))
    status, out, err = ctl("batch", "open", "--order", "CTL", "--recipe", Shared.sha, "--quantity", "7", "--json")
    equal((status, json.loads(out)["code"]), (1, "batch-open"))
    assert re.fullmatch(r"stationctl: batch-open: batch \d+ is open for openmv-n6; close it first\n", err), err
    equal(ctl("batch", "close", batch["id"])[0], 0)
    equal(json.loads(ctl("recipe", "add", Shared.recipe, "--json")[1])["sha256"], Shared.sha)
    equal([ctl(*w)[0] for w in (["slot", "retry", "99"], ["slot", "retry"], ["batch", "open"], ["slot", "list"])],
          [1, 2, 2, 0])
    uid = Shared.rig.slots()[0]["uid"]
    equal(ctl("stats", "--slot", "1", "--json"), (0, call("GET", "/api/v1/stats?slot=1")[2], ""))
    out = ctl("stats", "--batch", Shared.batch)[1].decode()
    assert "2 attempts on 2 units: 2 PASS" in out and "\nfinal         100.00 %" in out and "\n   2  100.00 %" in out, out
    whole = call("GET", "/api/v1/exports/attempts.csv")[2]
    equal(ctl("export"), (0, whole, ""))
    equal(ctl("export", "--uid", uid)[1], call("GET", f"/api/v1/exports/attempts.csv?uid={uid}")[2])
    path = f"{Shared.rig.work}/out.csv"
    equal(ctl("export", "-o", path), (0, b"", ""))
    with open(path, "rb") as f:
        equal(f.read(), whole)
    equal(ctl("export", "-o", path)[0], 1, "a file that is there is not written over")
    status, out, err = ctl("export", "--from", "x", "-o", f"{path}.2")
    assert (status, out) == (1, b"") and "bad-request" in err and not os.path.exists(f"{path}.2"), err
    equal(json.loads(ctl("unit", "bind", uid, "SN-9", "--json")[1])["serial"], "SN-9")
    equal(json.loads(ctl("unit", "SN-9", "--json")[1])["uid"], uid)
    equal(json.loads(ctl("unit", "unbind", uid, "--json")[1])["serial"], None)
    third = Shared.rig.upload(Shared.rig.recipe(name="unwanted"))
    equal(json.loads(ctl("recipe", "revoke", third, "--reason", "old", "--json")[1])["revoked_reason"], "old")
    equal([ctl(*w)[0] for w in (["station", "resume"], ["station", "stop"], ["unit", "bind", uid], ["stats", "x"],
                                ["recipe", "revoke", third])], [1, 2, 2, 2, 1])
    status, _, err = ctl("station", env={"ROMLINE_URL": "http://127.0.0.1:1"})
    equal(status, 1)
    assert err.startswith("stationctl: daemon-unreachable: "), err


@test
def slow_clients():
    """200 clients with endless headers are ended, and disturb nobody meanwhile"""
    slow = []
    try:
        for _ in range(200):
            s = socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S)
            s.sendall(b"GET /healthz HTTP/1.1\r\nX-A: 1")
            slow.append(s)
        # a header line now and then keeps the library's own timeout from ever passing
        left = list(slow)

        def all_ended():
            for s in list(left):
                try:
                    s.sendall(b"1")
                    s.setblocking(False)
                    if s.recv(100) == b"":
                        left.remove(s)
                except BlockingIOError:
                    pass
                except OSError:
                    left.remove(s)
                finally:
                    s.setblocking(True)
            equal(call("GET", "/healthz")[0], 200)
            return not left
        until(all_ended, "the slow clients are ended", LIMIT_S)
    finally:
        for s in slow:
            s.close()
    equal(call("GET", "/api/v1/slots")[0], 200)


@test
def crowd():
    """600 connections that say nothing shut nobody out"""
    silent = []
    try:
        for number in range(600):
            silent.append(socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S))
            if number % 100 == 99:
                equal(call("GET", "/healthz")[0], 200)
        ended = 0
        for s in silent:
            s.settimeout(0)
            try:
                ended += s.recv(1) == b""
            except BlockingIOError:
                pass
        assert ended >= 600 - 512, ended  # those that waited longest made room
    finally:
        for s in silent:
            s.close()


@test
def stop():
    """SIGTERM with idle and half-sent connections: exit 0, the address file is gone"""
    idle = socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S)
    half = socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S)
    half.sendall(b"GET / HTTP/1.1\r\nHost: x")
    equal(call("GET", "/healthz")[0], 200)
    address = os.path.join(Shared.rig.state, "http.address")
    assert os.path.exists(address)
    Shared.rig.__exit__(None)
    assert not os.path.exists(address)
    idle.close()
    half.close()


@test
def own_socket():
    """a socket of its own: port 0 is told in http.address; other addresses and a taken port are refused"""
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f"{work}/trust")

        def config(listen):
            with open(f"{work}/station.conf", "w", encoding="ascii") as f:
                f.write(f"[station]\nname = own\nstate_dir = {work}/state\nboards = {os.path.abspath('fixtures/boards')}"
                        f"\n[http]\nlisten = {listen}\n[recipes]\ntrust = {work}/trust\n")
            return [f"{STATION_BUILD}/stationd", "-c", f"{work}/station.conf"]
        # descriptor 3 is not ours when LISTEN_PID is somebody else's
        env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": "1"}
        with subprocess.Popen(config("[::1]:0"), env=env, stderr=subprocess.DEVNULL) as station_process:
            try:
                path = f"{work}/state/http.address"
                until(lambda: os.path.exists(path) or station_process.poll() is not None, "the station listens")
                with open(path, encoding="ascii") as f:
                    text = f.read()
                port = int(re.fullmatch(r"\[::1\]:(\d+)\n", text)[1])
                link = http.client.HTTPConnection("::1", port, timeout=LIMIT_S)
                link.request("GET", "/healthz")
                equal(link.getresponse().status, 200)
                link.close()
                refused = subprocess.run(config(f"[::1]:{port}"), capture_output=True, timeout=LIMIT_S, text=True)
                assert refused.returncode == 1, refused
            finally:
                station_process.terminate()
            equal(station_process.wait(timeout=LIMIT_S), 0)
        for listen, code in (("0.0.0.0:0", "listen-unsafe"), ("[::]:0", "listen-unsafe"), ("127.0.0.1", "config-invalid"),
                             ("example.com:80", "config-invalid"), ("127.0.0.1:65536", "config-invalid")):
            refused = subprocess.run(config(listen), capture_output=True, timeout=LIMIT_S, text=True)
            assert refused.returncode != 0 and code in refused.stderr, refused


test.main()
