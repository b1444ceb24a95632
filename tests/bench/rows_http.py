"""The API, the page and the events while 64 slots run; and wrk, which asks without a pause."""
import http.client
import json
import os
import re
import subprocess
import threading
import time

from bench import MIB, RESTING, Rig, contents, moment, p99, quiet, wait_passed

SLOTS = 64
PAUSE_S = 0.02
PATHS = ("/", "/api/v1/slots?limit=100", "/api/v1/station", "/api/v1/attempts?limit=50", "/api/v1/batches")


class Asker(threading.Thread):
    """Asks for one path after the other, as an operator's screens and an MES do together."""

    def __init__(self, address):
        super().__init__()
        self.address, self.times, self.stop = address, {p: [] for p in PATHS}, False

    def run(self):
        connection = http.client.HTTPConnection(self.address)
        while not self.stop:
            for path in PATHS:
                began = time.perf_counter()
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise SystemExit(f"{path}: {answer.status}")
                self.times[path].append(1e3 * (time.perf_counter() - began))
                time.sleep(PAUSE_S)
        connection.close()


class Listener(threading.Thread):
    """Takes the stream's frames; keeps how long after a step's end the frame of its row, and of its slot, came."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.rows, self.slots, self.seen = address, [], [], {}

    def run(self):
        connection = http.client.HTTPConnection(self.address)
        connection.request("GET", "/api/v1/events")
        stream, event = connection.getresponse(), None
        for line in stream:
            text = line.decode().rstrip("\r\n")
            if text.startswith("event:"):
                event = text[6:].strip()
            elif text.startswith("data:"):
                self.take(event, json.loads(text[5:]), time.time())

    def take(self, event, data, now):
        if event == "attempt-step":
            last = data["steps"][-1]
            self.rows.append(1e3 * (now - moment(last["started_at"])) - last["ms"])
        elif event == "slot":
            known = self.seen.get(data["slot"])
            self.seen[data["slot"]] = data["state"]
            if known and known != data["state"]:
                self.slots.append(1e3 * (now - moment(data["since"])))


# Every question that reads and is answered on the server's own threads; yields, proofs and exports are not.
READS = ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", *(f"/api/v1/{path}" for path in (
    "station", "station/health", "slots?limit=100", "slots/1", "attempts?limit=50", "attempts/{attempt}", "units?limit=50",
    "units/{uid}", "batches", "batches/{batch}", "recipes", "recipes/{recipe}", "search?q={uid}", "numbers", "mes",
    "mes/parked", "shift", "boards", "session", "audit", "people", "tokens")))
WRK_S, WRK_LINKS = 10, 4
SCRIPT = """local paths, n, bad = {%s}, 0, 0
request = function() n = n %% #paths + 1; return wrk.format("GET", paths[n]) end
response = function(status) if status ~= 200 then bad = bad + 1; print("status " .. status) end end
"""
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3}


def wrk(rig):
    """(p99 in ms, answers a second) of all reads in turn, WRK_LINKS at a time and each without a pause."""
    slot = rig.slots()[0]
    known = {"attempt": slot["attempt"], "uid": slot["uid"], "batch": slot["batch"], "recipe": rig.rest("/recipes")["items"][0]["sha256"]}
    script = os.path.join(rig.work, "reads.lua")
    with open(script, "w") as f:
        f.write(SCRIPT % ", ".join(f'"{path.format(**known)}"' for path in READS))
    out = subprocess.run(["wrk", "-t1", f"-c{WRK_LINKS}", f"-d{WRK_S}s", "--latency", "-s", script, rig.url], check=True,
                         capture_output=True, text=True).stdout
    if "status " in out or "Socket errors" in out:
        raise SystemExit(out)
    value, unit = re.search(r"99%\s+([0-9.]+)(us|ms|s)", out).groups()
    return float(value) * UNITS[unit], float(re.search(r"Requests/sec:\s+([0-9.]+)", out)[1])


def hurried(bench):
    """wrk as soon as all slots are at work; how long they then take beside it is not this row's question."""
    samples = []
    with quiet(Rig("openmv-h7-plus", cameras=SLOTS, start=False, speed="datasheet")) as rig:
        rig.prepare(files=contents(2 * MIB))
        rig.start()
        while len([s for s in rig.slots() if s["attempt"]]) < SLOTS:
            time.sleep(0.2)
        samples.append(wrk(rig))
        working = sum(s["state"] not in RESTING for s in rig.slots())
        if working < SLOTS:
            raise SystemExit(f"only {working} of {SLOTS} slots were at work all the time")
        wait_passed(rig, SLOTS, 300, every=1)
    print(f"  wrk: {samples[0][1]:.0f} answers/s")
    bench.limit(f"reads by wrk without a pause while {SLOTS} slots run, p99", [p for p, _ in samples], "ms", 20)


def busy(bench):
    with quiet(Rig("openmv-h7-plus", cameras=SLOTS, start=False, speed="datasheet")) as rig:
        rig.prepare(files=contents(2 * MIB))
        rig.start()
        address = rig.url.removeprefix("http://")
        asker, listener = Asker(address), Listener(address)
        asker.start()
        listener.start()
        wait_passed(rig, SLOTS, 300, every=1)
        asker.stop = True
        asker.join()
    page = asker.times.pop("/")
    bench.limit(f"the page while {SLOTS} slots run, p99", page, "ms", 20, take=p99)
    bench.limit(f"the API while {SLOTS} slots run, p99", [t for times in asker.times.values() for t in times], "ms", 20,
                take=p99)
    bench.limit(f"an event behind its step, {SLOTS} slots, the latest", listener.rows, "ms", 250, take=max)
    bench.limit(f"a slot's lamp behind its state, {SLOTS} slots, the latest", listener.slots, "ms", 250, take=max)


ROWS = [("http", busy), ("http wrk", hurried)]
