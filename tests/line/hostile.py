#!/usr/bin/env python3
"""The REST server among hostile clients, while cameras are programmed: requests that two readers would cut differently,
slowhttptest in all its modes, more listeners than there is room for, and clients that vanish without a word.

Nothing here is decided by how fast the machine is: what must happen is waited for, what must not happen is looked for in
the whole answer."""
import concurrent.futures
import contextlib
import ctypes
import http.client
import json
import os
import socket
import struct
import subprocess

from harness import Rig, Tests, equal, until

test = Tests()
LIMIT_S = 60
CAMERAS = 4
SLOW_S = 13  # more than a header's ten seconds
JSON = "Content-Type: application/json"
NOWHERE = "/api/v1/recipes/" + "5" * 64  # the smuggled request: whoever serves it says this name


class Shared:
    """One station for all tests; made by the first, ended by the last."""
    rig = port = quiet = None


def begin():
    Shared.rig = Rig("openmv-n6", cameras=CAMERAS, start=False, speed="instant", options=["--windows", "0.3"],
                     program="already_passed = allow\ndelta = no\nhold_after = 0")
    Shared.rig.prepare()
    Shared.rig.start()
    Shared.rig.wait_rest()
    Shared.port = int(Shared.rig.url.rsplit(":", 1)[1])
    Shared.quiet = connections()


def connections():
    """How many the station has open on its port."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        mine = f":{Shared.port:04X}"
        return sum(w[1].endswith(mine) and w[3] == "01" for w in map(str.split, f.read().splitlines()[1:]))


def connect():
    return socket.create_connection(("127.0.0.1", Shared.port), timeout=LIMIT_S)


def served(path="/healthz"):
    """Somebody else's question is answered."""
    link = http.client.HTTPConnection("127.0.0.1", Shared.port, timeout=LIMIT_S)
    with contextlib.closing(link):
        link.request("GET", path)
        answer = link.getresponse()
        body = answer.read()
        equal(answer.status, 200, f"{path}: {body[:200]}")
        return body


def program_all():
    """Each camera is plugged in anew and passes once more."""
    old = {s["slot"]: s["attempt"] for s in Shared.rig.slots()}
    for camera in range(1, CAMERAS + 1):
        Shared.rig.control(f"power-cycle {camera} hold")
    last = []

    def done():
        last[:] = [(s["slot"], s["state"], s["code"], s["attempt"] != old[s["slot"]]) for s in Shared.rig.slots()]
        return all((state, anew) == ("passed", True) for _, state, _, anew in last)
    try:
        until(done, "all pass")
    except AssertionError as error:
        raise AssertionError(f"{error}; now {last}") from None


def faults():
    """Answers that were the station's own fault, as it counts them, but for those that said there was no room."""
    text = served("/metrics").decode()
    return int(next(line for line in text.splitlines() if 'status="5xx"' in line).rsplit(" ", 1)[1])


def raw(data):
    """Everything that comes back until the station closes; the sending side is shut behind the data, so that it will."""
    got = b""
    with connect() as s, contextlib.suppress(OSError):
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while piece := s.recv(65536):
            got += piece
    return got


# --- requests that two readers would cut differently ----------------------------------------------------------------

def head(first, *lines, host=True, end="\r\n"):
    fixed = [f"Host: 127.0.0.1:{Shared.port}"] if host else []
    return end.join([first, *fixed, *lines, "", ""]).encode("latin-1")


def post(*lines, body=b"", **more):
    return head("POST /api/v1/slots/99/retry HTTP/1.1", JSON, *lines, **more) + body


def get(*lines, body=b"", **more):
    return head("GET /healthz HTTP/1.1", *lines, **more) + body


CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
BAD, REFUSED, FINE, GONE = {400}, {400, 413, 414, 431}, {200, 404}, {None}


def forms():
    """(name, bytes, the first answer's status; None: the connection ends without one).  Behind each one stands a request
    that must not be served, unless `after` says that it is an honest next one."""
    no, yes = False, True
    return [
        # two lengths
        ("length and chunked", post("Content-Length: 5", CHUNKED, body=END), BAD, no),
        ("chunked and length", post(CHUNKED, "Content-Length: 5", body=END), BAD, no),
        ("two lengths", post("Content-Length: 2", "Content-Length: 7", body=b"{}"), BAD, no),
        ("two equal lengths", post("Content-Length: 2", "Content-Length: 2", body=b"{}"), BAD, no),
        ("a list of lengths", post("Content-Length: 2, 2", body=b"{}"), BAD, no),
        ("two lengths, one in small letters", post("content-length: 2", "Content-Length: 7", body=b"{}"), BAD, no),
        # lengths that are no number
        *[(f"length {text!r}", post(f"Content-Length: {text}", body=b"{}"), REFUSED | GONE, no)
          for text in ("+2", "-2", "0x2", "2;", "2 2", "2.0", "1e0", "\x0b2", "\xb2", "", "two",
                       "18446744073709551618", "9" * 40)],
        # codings
        *[(f"coding {text!r}", post(f"Transfer-Encoding: {text}", body=END), BAD | GONE, no)
          for text in ("identity", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked, identity", "xchunked",
                       "chunked;q=1", "\x0bchunked", "chunked\x0b", "\"chunked\"", "chunke", "\x00chunked", "cHuNkEd,")],
        ("two codings", post(CHUNKED, "Transfer-Encoding: identity", body=END), BAD, no),
        ("two codings, both chunked", post(CHUNKED, CHUNKED, body=END), BAD, no),
        ("chunked for HTTP/1.0", head("POST /api/v1/slots/99/retry HTTP/1.0", JSON, CHUNKED) + END, FINE | BAD, no),
        # a coding's name in other clothes
        *[(f"header {name!r}", post(f"{name} chunked", body=END), BAD | GONE, no)
          for name in ("Transfer-Encoding :", "Transfer-Encoding\t:", "Transfer-Encoding\x00:", "Transfer\x0bEncoding:",
                       "\"Transfer-Encoding\":", "Transfer Encoding:", "Transfer-Encoding")],
        ("a length with a space before its colon", post("Content-Length : 2", body=b"{}"), BAD, no),
        # lines that go on, and lines that end otherwise
        ("a folded length", post("Content-Length:\r\n 2", body=b"{}"), BAD, no),
        ("a length that goes on", post("Content-Length: 2\r\n 3", body=b"{}"), BAD, no),
        ("a folded coding", post("Transfer-Encoding:\r\n chunked", body=END), BAD, no),
        ("a folded nothing", post("X-A: b\r\n Content-Length: 7", "Content-Length: 2", body=b"{}"), BAD, no),
        ("a first header that is folded", head("GET /healthz HTTP/1.1", " X-A: b"), BAD | GONE, no),
        ("a header hidden by a lone CR", post("X-A: b\rContent-Length: 7", "Content-Length: 2", body=b"{}"), BAD | GONE, no),
        ("a coding hidden by a lone CR", post("X-A: b\rTransfer-Encoding: chunked", body=END), BAD | GONE, no),
        ("a header hidden by a lone LF", post("X-A: b\nContent-Length: 7", "Content-Length: 2", body=b"{}"), BAD | GONE, no),
        # chunks
        *[(f"chunk size {text!r}", post(CHUNKED, body=text + b"\r\n{}\r\n" + END), REFUSED | GONE, no)
          for text in (b"0x2", b"+2", b"-2", b" 2", b"2x", b"FFFFFFFFFFFFFFFFF", b"8000000000000000", b"", b"g", b"\x002")],
        ("a chunk that is longer than it says", post(CHUNKED, body=b"1\r\n{}\r\n" + END), REFUSED | GONE, no),
        ("a chunk without its end", post(CHUNKED, body=b"2\r\n{}" + END), REFUSED | GONE, no),
        # the library's own 500, since a line of a chunk must fit into its 32 KiB; the station has no say in it
        ("a chunk extension without end", post(CHUNKED, body=b"2;" + b"a" * 70000 + b"\r\n{}\r\n" + END), {500} | GONE, no),
        ("trailers without end", post(CHUNKED, body=b"2\r\n{}\r\n0\r\nX-A: " + b"a" * 70000 + b"\r\n\r\n"), REFUSED | GONE, no),
        # first lines
        *[(f"first line {text!r}", head(text), REFUSED | {405} | GONE, no)
          for text in ("GET /healthz", "GET /healthz HTTP/1.1 x", "GET\x00/healthz HTTP/1.1",
                       " GET /healthz HTTP/1.1", "GET /healthz HTTP/11", "GET /healthz http/1.1", "GET  HTTP/1.1",
                       "\x16\x03\x01\x02\x00\x01\x00", "GET /healthz\x0bHTTP/1.1")],
        *[(f"first line {text!r}", head(text), {505}, no) for text in ("GET /healthz HTTP/9.9", "PRI * HTTP/2.0")],
        ("a target without end", head(f"GET /{'a' * 40000} HTTP/1.1"), REFUSED | GONE, no),
        ("a method without end", head("G" * 40000 + " /healthz HTTP/1.1"), REFUSED | GONE, no),
        ("hosts twice", get("Host: evil.example"), BAD, no),
        ("no host", head("GET /healthz HTTP/1.1", host=False), BAD, no),
        ("a header of 40 KiB", get("X-A: " + "a" * 40000), REFUSED | GONE, no),
        ("2000 headers", get(*[f"X-{n}: aaaaaaaaaaaaaaaaaa" for n in range(2000)]), REFUSED | GONE, no),
        # honest ones: whoever comes behind them is answered
        *[(f"target {text!r}", head(f"GET {text} HTTP/1.1"), {400, 404}, yes)
          for text in ("healthz", "*", "//", "http:/healthz", "/%00", "/\xff", "/..%00/", "/a#b")],
        ("a header without a name", get(": chunked"), {200}, yes),
        ("a whole address", head(f"GET http://127.0.0.1:{Shared.port}/healthz HTTP/1.1"), BAD, yes),
        ("an authority", head(f"CONNECT 127.0.0.1:{Shared.port} HTTP/1.1"), BAD, yes),
        ("the star", head("OPTIONS * HTTP/1.1"), BAD, yes),
        ("nothing wrong", get(), {200}, yes),
        ("a path that is none", head("GET /nothing HTTP/1.1"), {404}, yes),
        ("a method that is none here", head("DELETE /api/v1/batches HTTP/1.1"), {405}, yes),
        ("a body that is refused", post("Content-Length: 2", body=b"[]"), BAD, yes),
        ("chunked in capitals", post("Transfer-Encoding: CHUNKED", body=b"2\r\n{}\r\n" + END), {404}, yes),
        ("a small chunk extension", post(CHUNKED, body=b"2;a=b\r\n{}\r\n" + END), {404}, yes),
        ("trailers", post(CHUNKED, body=b"2\r\n{}\r\n0\r\nContent-Length: 7\r\n\r\n"), {404}, yes),
        ("a length behind zeros", post("Content-Length: 002", body=b"{}"), {404}, yes),
        ("a body where none is wanted", get("Content-Length: 2", body=b"{}"), BAD, yes),
        ("empty lines in front", b"\r\n\r\n" + get(), {200}, yes),
        ("lines that end with LF alone", get(end="\n"), {200}, yes),
        # the library's texts end at a NUL: what stands behind it in its line is nobody's
        ("a NUL in a value", get("X-A: a\x00b"), {200}, yes),
        ("a NUL behind a length", post("Content-Length: 2\x00", body=b"{}"), {404}, yes),
        ("an underscore is another header", post("Transfer_Encoding: chunked"), {404}, yes),
    ]


def answers(got):
    """The statuses of all answers, cut by their own lengths, up to the one that ends the connection: the library says the
    head of one of its own refusals twice."""
    statuses, rest, fields = [], got, {}
    while rest and fields.get(b"Connection") != b"close":
        assert rest.startswith(b"HTTP/1.1 "), got
        top, found, rest = rest.partition(b"\r\n\r\n")
        assert found, top[:200]
        fields = dict(line.split(b": ", 1) for line in top.split(b"\r\n")[1:] if b": " in line)
        statuses.append(int(top[9:12]))
        rest = rest[int(fields.get(b"Content-Length", b"0")):]
    return statuses


@test
def smuggling():
    """each form of request that two readers would cut differently has its documented answer, and nothing is smuggled in it"""
    begin()
    before, wrong, table = faults(), [], forms()
    behind = head(f"GET {NOWHERE} HTTP/1.1", "Connection: close")
    with concurrent.futures.ThreadPoolExecutor(len(table)) as pool:  # some wait for a deadline of the station's
        given = list(pool.map(lambda form: raw(form[1] + behind), table))
    for (name, _, fine, after), got in zip(table, given):
        statuses = answers(got)
        first = statuses[0] if statuses else None
        if first not in fine:
            wrong.append(f"{name}: {first}, not one of {sorted(map(str, fine))}: {got[:120]}")
        if any(s >= 500 for s in statuses) and not statuses[0] in fine:
            wrong.append(f"{name}: {statuses}")
        if (NOWHERE[-64:].encode() in got) != after:
            wrong.append(f"{name}: the request behind it was {'not ' if after else ''}answered: {statuses}")
        if after and statuses[1:] != [404]:
            wrong.append(f"{name}: behind it {statuses[1:]}")
    equal(wrong, [], "forms")
    equal(faults(), before, "the station's own faults")


@test
def halves():
    """a request cut off at any byte, and one that comes byte by byte: no fault, and the whole one is understood"""
    before = faults()
    whole = post(CHUNKED, body=b"2;a=b\r\n{}\r\n" + END)
    for cut in range(len(whole)):
        with connect() as s:
            s.sendall(whole[:cut])
    with connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(whole)):
            s.sendall(whole[at:at + 1])
        equal(s.makefile("rb").readline().split()[1], b"404", "one byte at a time")
    equal(faults(), before, "the station's own faults")


# --- slow clients ---------------------------------------------------------------------------------------------------

def modes():
    """slowhttptest's four, each with the connections that it keeps up."""
    url = f"http://127.0.0.1:{Shared.port}"
    common = ["-r", "150", "-l", str(SLOW_S), "-p", "60", "-i", "2"]
    yield "slow headers", ["-H", "-c", "200", "-u", f"{url}/api/v1/slots", *common]
    yield "slow bodies", ["-B", "-c", "150", "-s", "8192", "-t", "POST", "-f", "application/octet-stream", "-u",
                          f"{url}/api/v1/recipes", *common]
    yield "ranges", ["-R", "-c", "100", "-a", "1", "-b", "3000", "-t", "GET", "-u", f"{url}/api/v1/slots", *common]
    yield "slow reads", ["-X", "-c", "150", "-w", "8", "-y", "16", "-z", "4", "-n", "2", "-k", "3", "-u",
                         f"{url}/openapi.json", *common]


@test
def slowhttptest():
    """slowhttptest in its four modes at once: cameras pass meanwhile, everybody else is served, and all of it is ended"""
    before = faults()
    attackers = [subprocess.Popen(["slowhttptest", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                 for _, words in modes()]
    try:
        rounds = 0
        while any(a.poll() is None for a in attackers):
            for path in ("/healthz", "/api/v1/slots", "/api/v1/station", "/api/v1/attempts?limit=50"):
                served(path)
            program_all()
            rounds += 1
        assert rounds >= 1
    finally:
        for (name, _), attacker in zip(modes(), attackers):
            if attacker.poll() is None:
                attacker.kill()
            out = attacker.communicate(timeout=LIMIT_S)[0]
            equal(attacker.returncode, 0, f"{name}: {out[-400:]!r}")
    until(lambda: connections() <= Shared.quiet + 2, "all of them have been ended", 3 * LIMIT_S)
    equal(faults(), before, "the station's own faults")


# --- listeners ------------------------------------------------------------------------------------------------------

def listen():
    """(socket, status) of a client of the event stream."""
    s = connect()
    s.sendall(head("GET /api/v1/events HTTP/1.1", "Accept: text/event-stream"))
    line = b""
    while not line.endswith(b"\r\n"):
        piece = s.recv(1)
        if not piece:
            return s, None
        line += piece
    return s, int(line.split()[1])


@test
def five_hundred():
    """500 listeners at once: 128 hear every row, the others are told that there is no room or are ended, and all others are served"""
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        both = list(pool.map(lambda _: listen(), range(500)))
    try:
        counts = {status: sum(s == status for _, s in both) for status in {s for _, s in both}}
        equal(counts.get(200), 128, f"who listens: {counts}")
        equal(set(counts) <= {200, 503, None}, True, f"what the others were told: {counts}")
        served()
        served("/api/v1/slots")
        Shared.rig.rest("/slots/1/disable", {}, "POST")
        Shared.rig.rest("/slots/1/enable", {}, "POST")
        for s, status in both:
            got = b""
            while status == 200 and b"event: slot-enabled" not in got:
                piece = s.recv(65536)
                assert piece, f"a listener was ended: {got[-300:]}"
                got += piece
    finally:
        for s, _ in both:
            s.close()
    until(room, "there is room again", LIMIT_S)


def room():
    """May one more listen?"""
    s, status = listen()
    s.close()
    return status == 200


def vanish(s):
    """From now on nothing reaches this socket, and so nothing is acknowledged, as when a cable is pulled: no FIN, no RST."""
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF: return 0
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", 1, ctypes.addressof(drop)))  # SO_ATTACH_FILTER


@test
def vanished():
    """listeners, half requests and half read answers of clients that vanish without a FIN make room for others again"""
    gone = []
    try:
        def taken():
            """Those who asked for room may not have been noticed to be gone."""
            s, status = listen()
            (gone if status == 200 else []).append(s)
            return len(gone) == 128
        until(taken, "128 listen")
        equal(room(), False, "all places are taken")
        for _ in range(20):
            idle, half, reading = connect(), connect(), connect()
            half.sendall(post("Content-Length: 100", body=b"{"))
            reading.sendall(head("GET /openapi.json HTTP/1.1"))
            reading.recv(1)
            gone += [idle, half, reading]
        for s in gone:
            vanish(s)
        Shared.rig.rest("/slots/1/disable", {}, "POST")
        Shared.rig.rest("/slots/1/enable", {}, "POST")

        served()
        until(room, "a vanished listener's place is free")
        until(lambda: connections() <= Shared.quiet + 2, "all of them have been ended", 3 * LIMIT_S)
    finally:
        for s in gone:
            s.close()


@test
def after():
    """the station is as it was: cameras pass, the journal is intact, exit 0"""
    program_all()
    assert os.path.exists(f"{Shared.rig.state}/http.address")
    json.loads(served("/api/v1/station"))
    Shared.rig.__exit__(None)


test.main()
