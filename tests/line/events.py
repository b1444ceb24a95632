#!/usr/bin/env python3
"""The event stream as its clients see it: what comes, what a resume brings, and what one client can do to others."""
import contextlib
import http.client
import json
import os
import socket
import threading
import time

from harness import Rig, Tests, equal, until

test = Tests()
JSON = {"Content-Type": "application/json"}
LIMIT_S = 60  # bounds a failure
HEARTBEAT_S = 10
BEHIND = 10000  # rows that a client may have missed


class Shared:
    rig = recipe = sha = batch = port = quiet = None


def begin():
    Shared.rig = Rig("openmv-n6", cameras=2, start=False, program="already_passed = allow\ndelta = no")
    Shared.recipe, Shared.sha, Shared.batch = Shared.rig.prepare()
    Shared.rig.start()
    Shared.rig.wait_rest()
    Shared.port = int(Shared.rig.url.rsplit(":", 1)[1])
    Shared.quiet = sockets()


class Stream:
    """One client.  Frames are dictionaries of their fields; the first one has the id alone, or is a reset."""

    def __init__(self, last=None, query="", small=False):
        self.socket = socket.socket()
        self.socket.settimeout(LIMIT_S)
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", Shared.port))
        resume = f"Last-Event-ID: {last}\r\n" if last is not None else ""
        self.socket.sendall(f"GET /api/v1/events{query} HTTP/1.1\r\nHost: 127.0.0.1:{Shared.port}\r\n{resume}"
                            "Accept: text/event-stream\r\n\r\n".encode())
        self.answer = http.client.HTTPResponse(self.socket)
        self.answer.begin()
        equal(self.answer.status, 200)
        equal(self.answer.headers["Content-Type"], "text/event-stream")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def frame(self):
        """The next frame; None when the station ended the stream."""
        fields = {}
        while True:
            line = self.answer.readline()
            if not line:
                assert not fields, f"the stream ended within a frame: {fields}"
                return None
            line = line.decode().rstrip("\n")
            if not line:
                return fields
            key, value = line.split(": ", 1)
            assert key in ("id", "event", "data", "retry") and key not in fields, line
            fields[key] = json.loads(value) if key == "data" else value

    def close(self):
        self.answer.close()
        self.socket.close()

    def until(self, condition, keep=lambda f: True):
        """All frames that are kept, up to the first one that meets the condition."""
        frames, deadline = [], time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            frame = self.frame()
            assert frame is not None, "the station ended the stream"
            if keep(frame):
                frames.append(frame)
            if condition(frame):
                return frames
        raise AssertionError(f"never came; the last were {frames[-3:]}")


def has_id(frame):
    return "id" in frame and "event" in frame


def newest():
    return int(Shared.rig.rest("/station")["journal"])


def switch(verb, slot=1):
    """Writes one row."""
    return Shared.rig.rest(f"/slots/{slot}/{verb}", method="POST")


def rows_of(first, last):
    with contextlib.closing(Shared.rig.database()) as db:
        return db.execute("SELECT seq, kind FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq",
                          (first, last)).fetchall()


@test
def a_programming():
    """one client follows a camera from plug to PASS: rows with ids and kinds, slots without, objects as REST has them"""
    begin()
    start = newest()
    with Stream() as s:
        first = s.frame()
        equal((first["id"], "event" in first, first["retry"]), (str(start), False, "1000"))
        Shared.rig.control("unplug 1")
        s.until(lambda f: f.get("event") == "slot" and f["data"]["state"] == "empty")
        Shared.rig.control("plug 1")
        frames = s.until(lambda f: f.get("event") == "attempt-ended")
        rows = [f for f in frames if "id" in f]
        equal([(int(f["id"]), f["event"]) for f in rows], rows_of(start, int(rows[-1]["id"])))
        kinds = [f["event"] for f in rows]
        for kind in ("attempt-started", "attempt-step", "attempt-writing", "attempt-ended"):
            assert kind in kinds, kinds
        end = rows[-1]["data"]
        equal(end, Shared.rig.rest(f"/attempts/{end['id']}"))
        equal((end["verdict"], end["slot"], end["batch"]), ("PASS", 1, Shared.batch))
        slots = frames + s.until(lambda f: f.get("event") == "slot" and f["data"]["state"] == "passed")
        slots = [f for f in slots if f.get("event") == "slot"]
        assert all("id" not in f for f in slots)
        states = [f["data"]["state"] for f in slots]
        equal((states[-1], len(states) > 1), ("passed", True), states)
        equal(slots[-1]["data"], Shared.rig.rest("/slots/1"))
        assert all(a != b for a, b in zip(slots, slots[1:])), "a slot that did not change was sent again"


@test
def subjects():
    """each kind of row brings the object that it is about"""
    with Stream() as s:
        s.frame()
        switch("disable")
        switch("enable")
        Shared.rig.rest(f"/batches/{Shared.batch}/hold", method="POST")
        Shared.rig.rest(f"/batches/{Shared.batch}/resume", method="POST")
        frames = s.until(lambda f: f.get("event") == "batch-resumed", has_id)
        equal([f["event"] for f in frames], ["slot-disabled", "slot-enabled", "batch-held", "batch-resumed"])
        equal([frames[0]["data"]["slot"], frames[1]["data"]["enabled"]], [1, True])
        equal(frames[3]["data"], Shared.rig.rest(f"/batches/{Shared.batch}"))
        new = Shared.rig.upload(Shared.rig.recipe(name="second"))
        frame = s.until(lambda f: f.get("event") == "recipe-added", has_id)[-1]
        equal(frame["data"], Shared.rig.rest(f"/recipes/{new}"))
        Shared.rig.rest(f"/recipes/{new}/revoke", method="POST")
        frame = s.until(lambda f: f.get("event") == "recipe-revoked", has_id)[-1]
        equal((frame["data"]["sha256"], frame["data"]["revoked"]), (new, True))
        uid = Shared.rig.slots()[0]["uid"]
        for serial in ("SN-1", None):
            unit = Shared.rig.rest(f"/units/{uid}/serial", {"serial": serial}, "POST")
            frames = s.until(lambda f: f.get("event") == "slot" and f["data"]["serial"] == serial)
            told = [f["data"] for f in frames if f.get("event") == "unit-serial"]
            equal(told, [{k: v for k, v in unit.items() if k != "attempts"}])


@test
def resume():
    """a client that was away, many times, gets every row exactly once"""
    start = newest()
    seen, last, done = [], start, threading.Event()

    def write():
        for _ in range(60):
            switch("disable")
            switch("enable")
        done.set()
    writer = threading.Thread(target=write)
    writer.start()
    turn = 0
    while not done.is_set() or last < newest():
        turn += 1
        header, query = (last, "") if turn % 2 else (None, f"?last_event_id={last}")
        with Stream(header, query) as s:
            wanted, got = 1 + turn % 7, 0
            while got < wanted and (not done.is_set() or last < newest()):
                frame = s.frame()
                if has_id(frame):
                    equal(frame["event"] == "reset", False)
                    last = int(frame["id"])
                    seen.append((last, frame["event"]))
                    got += 1
    writer.join()
    assert turn > 5, turn
    equal(seen, rows_of(start, newest()))
    # the header is the browser's own word, the parameter only where it began
    with Stream(last - 1, "?last_event_id=1") as s:
        equal(s.until(has_id)[-1]["id"], str(last))
    # from the very beginning: the journal itself is read, a page at a time
    with Stream(0) as s:
        frames = s.until(lambda f: has_id(f) and int(f["id"]) == last, has_id)
        equal([(int(f["id"]), f["event"]) for f in frames], rows_of(0, last))


@test
def reset():
    """an id that is not ours, or is too long ago, gets a reset, then what happens from now on"""
    now = newest()
    for last in (now + 1, "x", "-1", "1" * 19, "", "0x1"):
        with Stream(last) as s:
            frame = s.frame()
            equal((frame["event"], frame["id"], frame["data"]), ("reset", str(now), {"journal": str(now)}), f"{last}")
    with Stream("nonsense") as s:
        s.frame()
        switch("disable")
        equal(s.until(has_id)[-1]["event"], "slot-disabled")
        switch("enable")


@test
def refused():
    """other parameters are refused, and HEAD does not hang"""
    link = http.client.HTTPConnection("127.0.0.1", Shared.port, timeout=LIMIT_S)
    link.request("GET", "/api/v1/events?since=1")
    answer = link.getresponse()
    equal((answer.status, json.loads(answer.read())["code"]), (400, "bad-request"))
    link.request("HEAD", "/api/v1/events")
    answer = link.getresponse()
    equal((answer.status, answer.read()), (200, b""))
    link.close()


@test
def fifty():
    """50 clients get the same rows in the same order; gone ones are noticed"""
    before = newest()
    streams = [Stream() for _ in range(50)]
    try:
        for _ in range(10):
            switch("disable")
            switch("enable")
        want = rows_of(before, newest())
        for s in streams:
            frames = s.until(lambda f: has_id(f) and int(f["id"]) == want[-1][0], has_id)
            equal([(int(f["id"]), f["event"]) for f in frames], want)
    finally:
        for s in streams:
            s.close()
    until(lambda: sockets() <= Shared.quiet, "the connections are closed")


def sockets():
    """Connections that the station holds on its port."""
    pid, count = Shared.rig.station_pid(), 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
        except OSError:
            pass
    return count


@test
def heartbeat():
    """a client hears something at least every 10 s, and no empty frames in between"""
    with Stream() as s:
        s.frame()
        for _ in range(2):
            since = time.monotonic()
            frame = s.until(lambda f: f.get("event") == "heartbeat")[-1]
            assert "id" not in frame and frame["data"]["time"].endswith("Z"), frame
            waited = time.monotonic() - since
            assert waited < HEARTBEAT_S + 1, waited


@test
def slow():
    """a client that does not read is ended; others do not notice, and it can resume without a loss"""
    start = newest()
    with Stream(small=True) as slow_one, Stream() as other:
        other.frame()
        rounds, ended = 0, False

        def is_ended():
            with open("/proc/net/tcp", encoding="ascii") as f:
                mine = f":{slow_one.socket.getsockname()[1]:04X}"
                # established on the station's side until it gives up
                return not any(w[2].endswith(mine) and w[3] == "01" for w in map(str.split, f.read().splitlines()[1:]))
        deadline = time.monotonic() + LIMIT_S
        while not ended and time.monotonic() < deadline:
            switch("disable")
            switch("enable")
            rounds += 1
            other.until(lambda f: f.get("event") == "slot-enabled")
            ended = is_ended()
        assert ended, "the slow client is still there"
    last = newest()
    equal(len(rows_of(start, last)), 2 * rounds)
    with Stream(start) as s:
        frames = s.until(lambda f: has_id(f) and int(f["id"]) == last, has_id)
        equal([int(f["id"]) for f in frames], list(range(start + 1, last + 1)))


@test
def too_many():
    """clients are counted: the one too many is told so, and all others still work"""
    until(lambda: sockets() <= Shared.quiet, "nobody listens")
    streams = []
    try:
        for _ in range(128):
            streams.append(Stream())
        link = http.client.HTTPConnection("127.0.0.1", Shared.port, timeout=LIMIT_S)
        link.request("GET", "/api/v1/events")
        answer = link.getresponse()
        equal((answer.status, json.loads(answer.read())["code"]), (503, "too-many-clients"))
        link.request("GET", "/healthz")
        equal(link.getresponse().status, 200)
        link.close()
        last = newest()
        switch("disable")
        switch("enable")
        for s in streams:
            equal([f["event"] for f in s.until(lambda f: f.get("event") == "slot-enabled", has_id)],
                  ["slot-disabled", "slot-enabled"])
    finally:
        for s in streams:
            s.close()
    equal(newest(), last + 2)


@test
def stop():
    """SIGTERM ends the streams properly, and the station with exit 0"""
    until(lambda: sockets() <= Shared.quiet, "nobody listens")
    with Stream() as s, Stream() as idle:
        s.frame()
        Shared.rig.process.send_signal(15)
        for one in (s, idle):
            while one.frame() is not None:
                pass
    Shared.rig.__exit__(None)


test.main()
