#!/usr/bin/env python3
"""The API held against its own description: for every operation its example, then values that are missing, of a wrong
type, at and beyond their bounds, Unicode, 64-bit, oversized, repeated.  Whatever is sent, the status is one that the
description gives, the body has that status' schema, and nothing is the station's own fault."""
import copy
import http.client
import json
import re
import socket
import subprocess
import urllib.parse

import jsonschema

from harness import Rig, Tests, equal, until

test = Tests()
LIMIT_S = 60
# What any operation may answer by its `default`: refused before the operation itself is asked.
GUARDS = {401, 403, 405, 413, 415, 421}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OWN_CODES = re.compile(r"[a-z]+(-[a-z]+)*")


class Shared:
    rig = document = real = None
    sent = 0


def resolve(thing):
    while "$ref" in thing:
        found = Shared.document
        for key in thing["$ref"][2:].split("/"):
            found = found[key]
        thing = found
    return thing


def begin():
    rig = Shared.rig = Rig("openmv-n6", cameras=2, start=False, speed="instant")
    _, sha, batch = rig.prepare()
    rig.start()
    slot = rig.wait_rest()[0]
    # one whose partitions can be read: a disabled slot leaves its camera in its bootloader
    rig.rest("/slots/2/disable", {}, "POST")
    rig.control("power-cycle 2 hold")
    until(lambda: rig.slots()[1]["camera"] == "bootloader", "camera 2 is in its bootloader")
    rig.rest("/units/" + slot["uid"] + "/serial", {"serial": "SN-0001"}, "POST")
    rig.rest(f"/batches/{batch}/close", {}, "POST")
    Shared.document = json.loads(send("GET", "/openapi.json")[2])
    # what the examples stand for on this station; revoking has a recipe of its own
    spare = rig.upload(rig.recipe(name="spare"))
    Shared.real = {"sha256": sha, "recipe": sha, "batch": batch, "uid": slot["uid"], "slot": 1,
                   "attempt": slot["attempt"], "spare": spare}
    # whom the examples mean: one who is there, one who may go, and a token
    rig.rest("/people", {"name": "anna", "role": "operator", "badge": "B-000123456"}, "POST")
    rig.rest("/people", {"name": "berta", "role": "qa"}, "POST")
    Shared.real["token"] = rig.rest("/tokens", {"name": "old", "scopes": ["read"], "days": 1}, "POST")["id"]


def operations(path_prefix=""):
    for path, item in Shared.document["paths"].items():
        for method, operation in item.items():
            if path.startswith(path_prefix):
                yield path, method.upper(), operation


def kind_of(operation):
    """The content type that its body has."""
    content = resolve(operation.get("requestBody", {})).get("content", {"application/json": {}})
    return {"Content-Type": next(iter(content))}


def parameters(operation, where):
    return [p for p in map(resolve, operation.get("parameters", [])) if p["in"] == where]


def real(path, method, name, example):
    """The example, or what it stands for here."""
    if "/people/" in path:
        return "berta" if path.endswith("/remove") else "anna"
    if "/tokens/" in path:
        return Shared.real["token"]
    if name == "id":
        return Shared.real["attempt" if "/attempts/" in path else "batch"]
    if name == "name" and "/payloads" in path:
        return example
    if "/partitions" in path and name in ("slot", "name"):
        return 2 if name == "slot" else example
    if name == "name":
        return Shared.real["uid"]
    if name == "sha256" and path.endswith(("/approve", "/activate", "/retire", "/revoke")):
        return Shared.real["spare"]
    return Shared.real.get(name, example)


def example_path(path, method, operation):
    """The path with its examples; every placeholder has one."""
    for p in parameters(operation, "path"):
        path = path.replace("{%s}" % p["name"], str(real(path, method, p["name"], p["example"])))
    if path.startswith("/assets/"):
        return re.search(r'"(/assets/[^"]+\.js)"', send("GET", "/")[2].decode())[1]
    return path


def example_body(operation):
    content = resolve(operation.get("requestBody", {})).get("content", {})
    if "application/json" not in content:
        return None
    body = copy.deepcopy(content["application/json"]["example"])
    jsonschema.validate(body, content["application/json"]["schema"])
    if "recipe" in body:
        body["recipe"] = Shared.real["recipe"]
    return body


def send(method, target, body=None, headers=None):
    """(status, headers, body); of a stream of events only the header is waited for."""
    host = Shared.rig.url.removeprefix("http://")
    link = http.client.HTTPConnection(host, timeout=LIMIT_S)
    try:
        link.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            link.putheader(name, value)
        if body is not None:
            link.putheader("Content-Length", str(len(body)))
        link.endheaders(body)
        answer = link.getresponse()
        stream = answer.status == 200 and answer.getheader("Content-Type") == "text/event-stream"
        Shared.sent += 1
        return answer.status, answer.headers, b"" if stream or method == "HEAD" else answer.read()
    finally:
        link.close()


def fits(schema, value, what):
    """By an independent reader of JSON Schema, 2020-12 as OpenAPI 3.1 has it."""
    root = {**schema, "components": Shared.document["components"]}
    try:
        jsonschema.Draft202012Validator(root).validate(value)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{what}: {error.message} at {list(error.absolute_path)}") from None


def check(operation, got, what, allowed=None):
    """The answer is one that the description gives for this operation."""
    status, headers, body = got
    responses = operation["responses"]
    assert status < 500 or str(status) in responses, f"{what}: {status} {body[:200]}"
    assert str(status) in responses or status in GUARDS, f"{what}: {status} is not described {body[:200]}"
    if allowed:
        assert status in allowed, f"{what}: {status}, not one of {allowed}: {body[:300]}"
    content = resolve(responses.get(str(status), responses["default"])).get("content", {})
    kind = (headers["Content-Type"] or "").split(";")[0]
    if status == 304:
        return status
    assert kind in content or "*/*" in content, f"{what}: {status} is {kind}, not {list(content)}"
    if kind in ("application/json", "application/problem+json") and body:
        value = json.loads(body)
        if "*/*" not in content:
            fits(content[kind]["schema"], value, what)
        if status >= 400:
            equal((value["status"], kind), (status, "application/problem+json"), what)
            assert OWN_CODES.fullmatch(value["code"]) and value["detail"], f"{what}: {value}"
    return status


def ask(path, method, operation, target, body=None, headers=None, allowed=None):
    head = kind_of(operation) if method == "POST" else {}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if method == "POST" and data is None:
        data = b""
    got = send(method, target, data, {**head, **(headers or {})})
    return check(operation, got, f"{method} {path}: {target[:120]} {(data or b'')[:160]!r}", allowed)


def members_without_a_schema(thing, path=""):
    """Where something is required that the properties do not have."""
    if isinstance(thing, dict):
        if isinstance(thing.get("required"), list) and "properties" in thing and set(thing["required"]) - set(thing["properties"]):
            yield path
        for key, value in thing.items():
            yield from members_without_a_schema(value, f"{path}/{key}")
    elif isinstance(thing, list):
        for number, value in enumerate(thing):
            yield from members_without_a_schema(value, f"{path}/{number}")


@test
def document():
    """an independent reader of OpenAPI 3.1 finds the description sound, and every example fits its schema"""
    begin()
    subprocess.run(["make", "-s", "browser-tools"], check=True, timeout=5 * LIMIT_S)
    done = subprocess.run(["build/browser/node_modules/.bin/validate-api", "station/http/openapi.json"],
                          capture_output=True, text=True, timeout=LIMIT_S)
    equal((done.returncode, "true" in done.stdout), (0, True), done.stdout + done.stderr)
    for _, _, operation in operations():
        for p in map(resolve, operation.get("parameters", [])):
            fits(p["schema"], p["example"], p["name"])
    equal(list(members_without_a_schema(Shared.document)), [], "required, and not among the properties")
    with open("station/journal/kinds.h", encoding="utf-8") as f:
        kinds = re.findall(r'#define KIND_\w+ +"([a-z-]+)"', f.read())
    equal(Shared.document["components"]["parameters"]["query_what"]["schema"]["enum"], kinds, "kinds of rows")


@test
def examples():
    """every operation's example is described, understood and answered"""
    for path, method, operation in operations():
        if path == "/api/v1/recipes" and method == "POST":
            with open(f"{Shared.rig.work}/app-1.0.0.img", "rb") as f:
                ask(path, method, operation, path, f.read(), allowed={200})
            continue
        if path == "/api/v1/images":
            for tail in ("", "?board=openmv-n6", "?board=openmv-n6&partition=ROMFS0"):
                ask(path, method, operation, path + tail, b"\xd2\xcd\x31\x00", allowed={200})
            continue
        target = example_path(path, method, operation)
        query = {p["name"]: real(path, method, p["name"], p["example"]) for p in parameters(operation, "query")}
        makes = ("/api/v1/batches", "/api/v1/session", "/api/v1/people", "/api/v1/tokens", "/api/v1/numbers")
        good = {200, 201} if method == "GET" or path in makes or "/people/" in path or "revoke" in path or "serial" in path \
            else {200, 409}
        good |= {404} if path.endswith("/drop") else set()  # nothing is parked here
        if any(p.get("required") for p in parameters(operation, "query")):
            good = {400}
        ask(path, method, operation, target, example_body(operation), allowed=good)
        if query:
            ask(path, method, operation, f"{target}?{urllib.parse.urlencode(query)}", allowed={200})
        for name, value in query.items():
            ask(path, method, operation, f"{target}?{urllib.parse.urlencode({name: value})}", allowed={200})
    for batch in Shared.rig.rest("/batches?state=open")["items"]:
        Shared.rig.rest(f"/batches/{batch['id']}/close", {}, "POST")


ODD_SEGMENTS = ["0", "-1", "01", "1e3", "1.0", "9223372036854775807", "9223372036854775808", "18446744073709551616",
                "9" * 40, "%00", "%0a", "%ff", "%c0%80", "%ed%a0%80", "%", "%zz", "..", ".", "%2e%2e", "%2f", "a%2fb", ";",
                "%20", "%27", "%22", "%3Cscript%3E", "null", "true", "[]", "{}", "%C3%A4", "%F0%9F%93%B7", "x" * 128, "x" * 1900,
                "x" * 3000, "A" * 64, "g" * 64, "'%20OR%201=1--", "%25s%25n"]


@test
def paths():
    """odd path segments: refused as the description says, on every operation that has one"""
    for path, method, operation in operations("/api/"):
        for p in parameters(operation, "path"):
            for odd in ODD_SEGMENTS:
                target = example_path(path.replace("{%s}" % p["name"], "\0"), method, operation).replace("\0", odd)
                ask(path, method, operation, target, {} if method == "POST" else None, allowed={400, 404, 413})


def good_values(schema):
    """At the bounds that the schema gives."""
    yield from schema.get("enum", [])
    for key in ("minimum", "maximum", "default"):
        if key in schema:
            yield schema[key]
    if schema["type"] == "string" and "enum" not in schema and "pattern" not in schema and "format" not in schema:
        yield from ("x" * n for n in {schema.get("minLength", 1), schema.get("maxLength", 1)})
        yield "\u00e4\U0001f4f7' OR 1=1; --%"
    if schema.get("format") == "date-time":
        yield from ("2026-11-20T21:54:07Z", "1970-01-01T00:00:00.000Z", "2026-11-20T21:54:07.123Z")
    if schema.get("pattern", "").startswith("^[1-9]"):
        yield from ("1", "9" * 18)
    if schema.get("pattern") == "^[0-9a-f]{64}$":
        yield "0" * 64


def bad_values(schema):
    """Beyond them, or of another type."""
    if schema["type"] == "integer":
        yield from (schema["minimum"] - 1, schema["maximum"] + 1, -1, "", "x", "1.0", "1e2", "01", "+1", 2**63, 2**64, "%00")
    elif "enum" in schema:
        yield from ("", "x", schema["enum"][0].swapcase(), " ".join(schema["enum"][:2]), "%00", "%ff")
    elif schema.get("format") == "date-time":
        yield from ("", "today", "2026-02-30T00:00:00Z", "2026-11-20", "2026-11-20T21:54:07", "0", "9" * 30, "%00", "%ff")
    elif "pattern" in schema:
        yield from ("", "0", "-1", "x", "9" * 19, "9" * 40, "1.0", "%00", "%ff")
    elif "maxLength" in schema:
        yield from ("", "x" * (schema["maxLength"] + 1), "a%00b", "a%0ab", "%ff", "%ed%a0%80")


def query(name, value):
    quoted = value if str(value).startswith("%") or "%0" in str(value) else urllib.parse.quote(str(value))
    return f"?{name}={quoted}"


@test
def queries():
    """query parameters: at their bounds answered, beyond them refused, never a third; unknown and repeated ones refused"""
    for path, method, operation in operations("/api/"):
        target = example_path(path, method, operation)
        body = {} if method == "POST" else None
        for p in parameters(operation, "query") if path != "/api/v1/images" else ():  # names of boards: see images.py
            for value in good_values(resolve(p["schema"])):
                ask(path, method, operation, target + query(p["name"], value), allowed={200})
            for value in bad_values(resolve(p["schema"])):
                ask(path, method, operation, target + query(p["name"], value), allowed={400})
            twice = f"{p['name']}={p['example']}"
            ask(path, method, operation, f"{target}?{twice}&{twice}", allowed={400})
        for tail in ("?nonsense=1", "?=1", "?%00=1", "?%ff=1", "?a%", "?LIMIT=1"):
            ask(path, method, operation, target + tail, body, allowed={400})


NUMBERS = [0, -1, 1.5, 10**7, 10**7 + 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -2**63]
OTHERS = [None, True, False, "", "1", "x" * 65, "x" * 129, "x" * 5000, "a\nb", "\u0000", "\u00e4\U0001f4f7", [], [1], {}, {"a": 1}]
TEXTS = [b"", b" ", b"null", b"[]", b"1", b'"x"', b"{", b"{}x", b"{}{}", b"nul", b"\xef\xbb\xbf{}", b"\xff", b"{\"a\":1}",
         b"{'a':1}", b"{\"a\":01}", b"{\"a\":1e999}", b"{\"a\":NaN}", b"{,}", b"[" * 5000, b"{\"a\":" * 5000, b"\0", b"{}\0",
         b'{"\xed\xa0\x80":1}']


def bounds(schema):
    """Values at and just beyond what the schema of a member says."""
    if "enum" in schema:
        yield from (value.swapcase() for value in schema["enum"])
    for end in {schema.get("minLength", 0), schema.get("maxLength", 0)} - {0}:
        yield from ("x" * (end + n) for n in (-1, 0, 1))
        yield "\u00e4" * end
    for end in {schema.get("minimum"), schema.get("maximum")} - {None}:
        yield from (end + n for n in (-1, 0, 1))
    if schema["type"] == "array":
        good = schema["items"].get("enum", ["x"])[0]
        yield from ([], [good, good], [good] * (schema["maxItems"] + 1), [good, None], [[good]], {"0": good})
        yield from ([value] for value in (*NUMBERS, *OTHERS, *bounds(schema["items"])))


def bodies(body, schema):
    """The example with one thing wrong or at a bound."""
    for key, member in schema["properties"].items():
        for value in [*NUMBERS, *OTHERS, *bounds(member)]:
            yield json.dumps({**body, key: value}).encode()
        yield json.dumps({k: v for k, v in body.items() if k != key}).encode()
        member = json.dumps({key: body.get(key)}).encode()[1:-1]
        yield b"{" + member + b"," + json.dumps(body).encode()[1:]  # the key twice
    yield json.dumps({**body, "more": 1}).encode()
    yield json.dumps({**body, "__proto__": {}}).encode()
    yield from TEXTS


def refused_by_schema(data, schema):
    try:
        value = json.loads(data, object_pairs_hook=lambda p: dict(p) if len({k for k, _ in p}) == len(p) else None)
        jsonschema.validate(value, schema)
    except (ValueError, RecursionError, UnicodeError, jsonschema.ValidationError):
        return True
    return value is None


@test
def json_bodies():
    """bodies: what the schema refuses is 400, what it lets through is answered as described"""
    for path, method, operation in operations("/api/"):
        body = example_body(operation)
        if body is None:
            continue
        content = resolve(operation["requestBody"])["content"]["application/json"]
        target = example_path(path, method, operation)
        for data in bodies(body, content["schema"]):
            empty = not data and not operation["requestBody"]["required"]
            wrong = not empty and refused_by_schema(data, content["schema"])
            ask(path, method, operation, target, data, allowed={400} if wrong else None)
        for data, status in ((b" " * (1 << 16) + b"{}", 413), (b" " * (1 << 20) + b"{}", 413)):
            if path not in ("/api/v1/batches", "/api/v1/numbers") or len(data) > 1 << 20:
                ask(path, method, operation, target, data, allowed={status})
        for kind in ("", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"):
            ask(path, method, operation, target, b"{}", {"Content-Type": kind}, allowed={415})


@test
def other_methods():
    """every method that a path does not have: 405, and Allow names the ones that it has"""
    for path, item in Shared.document["paths"].items():
        method, operation = next(iter(item.items()))
        target = example_path(path, method.upper(), operation)
        has = {m.upper() for m in item} | ({"HEAD"} if "get" in item else set())
        for other in set(METHODS) - has:
            status, headers, body = send(other, target, b"" if other in ("PUT", "POST", "PATCH") else None,
                                         {"Content-Type": "application/json"})
            equal((status, set(headers["Allow"].split(", "))), (405, has), f"{other} {path}")
            equal(headers["Content-Type"], "application/problem+json", f"{other} {path}")


@test
def guards():
    """another Host, another site's page, a bad key, a header that stands twice: on every operation"""
    for path, method, operation in operations():
        target = example_path(path, method, operation)
        body = b"" if method == "POST" else None
        with socket.create_connection(("127.0.0.1", int(Shared.rig.url.rsplit(":", 1)[1])), timeout=LIMIT_S) as s:
            s.sendall(f"{method} {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
            equal(s.makefile("rb").readline().split()[1], b"421", f"{method} {path}")
        if method == "POST":
            for extra in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
                ask(path, method, operation, target, body, extra, allowed={403})
        for p in parameters(operation, "header"):
            for value in ("", "a b", "x" * 129, "\u00e4") if p["name"] == "Idempotency-Key" else ():
                ask(path, method, operation, target, body, {p["name"]: value}, allowed={400})
            for value in ("", "x", "-1", "9" * 40, "1") if p["name"] == "Last-Event-ID" else ():
                ask(path, method, operation, target, body, {p["name"]: value}, allowed={200})


@test
def after():
    """the station has answered all of this without a fault, and its journal is intact"""
    try:
        assert Shared.sent > 2000, Shared.sent
        status, _, body = send("GET", "/metrics")
        equal((status, re.search(rb'romline_http_requests_total\{status="5xx"\} (\d+)', body)[1]), (200, b"0"))
    finally:
        Shared.rig.__exit__(None)


test.main()
