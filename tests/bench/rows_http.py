"""The API, the page and the events while 64 slots run."""
import http.client
import json
import threading
import time

from bench import MIB, Rig, contents, moment, p99, quiet, wait_passed

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


ROWS = [("http", busy)]
