"""What the whole-line tests share: a virtual line with the real station behind it, REST, the control socket, TAP.

BUILD is where virtual-line and stationctl are; STATION_BUILD where stationd is, when that one is sanitized."""
import glob
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

from auditor import INTACT, audit

BUILD = os.environ.get("BUILD", "build")
STATION_BUILD = os.environ.get("STATION_BUILD", BUILD)
CTL = f"{BUILD}/stationctl"
RESTING = {"passed", "failed", "error", "aborted", "refused", "asking", "unrecorded"}
WAIT_S = int(os.environ.get("WAIT_S", 300))
AWAY_MS = 60000  # a station's patience with a camera that comes back when it is told to


class Tests:
    """TAP: each test is a function; the first line of its docstring is the title."""

    def __init__(self):
        self.rows = []

    def __call__(self, function):
        self.rows.append(function)
        return function

    def main(self):
        words = sys.argv[1:]
        rows = [f for f in self.rows if not words or f.__name__ in words]
        print(f"1..{len(rows)}", flush=True)
        bad = 0
        for number, function in enumerate(rows, 1):
            title = (function.__doc__ or function.__name__).strip().splitlines()[0]
            try:
                function()
                print(f"ok {number} - {title}", flush=True)
            except Exception:  # a failed test must not hide the next one
                bad += 1
                print(f"not ok {number} - {title}", flush=True)
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        sys.exit(bool(bad))


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def until(condition, what, seconds=WAIT_S, pause_s=0.02):
    """Waits for a condition; the limit only bounds a failure."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(pause_s)


def tree(folder, files):
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
    return folder


class Refused(Exception):
    def __init__(self, status, problem):
        super().__init__(f"{status} {problem}")
        self.status, self.problem, self.code = status, problem, problem.get("code")


class Rig:
    """One virtual line and one station in a folder of their own."""

    def __init__(self, board="openmv-n6", cameras=1, mode="hold", options=(), program="", start=True, speed="20",
                 return_ms=None, boards=None, slots=None, recipes="", log="debug", more=""):
        """more: further sections of the configuration; boards: changes one board file of the station (not of the cameras); slots: the paths of a line file, from right to left."""
        self.work = tempfile.mkdtemp(prefix="romline-test-")
        self.board, self.cameras, self.mode, self.speed = board, cameras, mode, speed
        self.options = list(options)
        self.state, self.trust = os.path.join(self.work, "state"), os.path.join(self.work, "trust")
        self.config, self.key = os.path.join(self.work, "station.conf"), os.path.join(self.work, "key")
        self.control_path = os.path.join(self.work, "control")
        self.process, self.url = None, None
        self.wrap = ()  # words before the station's own: what runs it
        self.virtual_line = f"{BUILD}/virtual-line"
        os.mkdir(self.trust)
        folder = os.path.abspath("fixtures/boards")
        if return_ms or boards:  # the same boards, but a station with less patience, or other ideas of them
            folder = os.path.join(self.work, "boards")
            os.mkdir(folder)
            for path in glob.glob("fixtures/boards/*.json"):
                with open(path) as f:
                    board_file = json.load(f)
                times = board_file["times"]
                times["return_ms"] = return_ms or times["return_ms"]
                times["boot_ms"] = min(times["boot_ms"], times["return_ms"] - 1)
                if boards:
                    boards(board_file)
                with open(os.path.join(folder, os.path.basename(path)), "w") as f:
                    json.dump(board_file, f)
        line = "auto"
        if slots:
            line = os.path.join(self.work, "line.json")
            with open(line, "w") as f:
                json.dump({"name": "test", "slots": [{"slot": n, "name": f"place {n}", "path": path, "x": len(slots) - n, "y": 0}
                                                     for n, path in enumerate(slots, 1)]}, f)
        subprocess.run(["minisign", "-G", "-W", "-p", f"{self.trust}/test.pub", "-s", self.key], check=True,
                       stdout=subprocess.DEVNULL)
        with open(self.config, "w") as f:
            f.write(f"[station]\nname = test\nstate_dir = {self.state}\nboards = {folder}\nline = {line}\n"
                    f"[recipes]\ntrust = {self.trust}\n{recipes}\n[program]\n{program}\n"
                    f"[journal]\ncheckpoints = {self.work}/checkpoints\n[log]\nlevel = {log}\n{more}")
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        if os.environ.get("KEEP_LOG"):  # for those who look for a bug
            shutil.copy(os.path.join(self.work, "log"), os.environ["KEEP_LOG"])
        if kind or status:
            with open(os.path.join(self.work, "log"), errors="replace") as f:
                for line in f.read().splitlines()[-60:]:
                    print(f"# {line}")
        if not kind:
            self.verify()
        shutil.rmtree(self.work, ignore_errors=True)
        if kind is None:
            equal(status, 0, "exit status of the station")

    def start(self, cameras=None, mode=None, options=(), faults=()):
        """faults: SPECs that hold before any camera has power."""
        address = os.path.join(self.state, "http.address")
        for stale in (address, self.control_path):
            if os.path.exists(stale):
                os.unlink(stale)
        count = self.cameras if cameras is None else cameras
        if faults:
            path = os.path.join(self.work, "faults")
            with open(path, "w") as f:
                f.writelines(f"{spec}\n" for spec in faults)
            options = [*options, "--faults", path]
        with open(os.path.join(self.work, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.virtual_line, "--cameras", str(count), "--board", self.board, "--mode", mode or self.mode,
                 "--flash", "factory", "--speed", self.speed, "--control", self.control_path,
                 "--listen", "127.0.0.1:0", *self.options, *options, "--", *self.wrap,
                 f"{STATION_BUILD}/stationd", "-c", self.config], stdout=log, stderr=log, start_new_session=True)
        until(lambda: self.process.poll() is not None or os.path.exists(address), "the station listens")
        if self.process.poll() is not None:
            raise AssertionError(f"the station ended with {self.process.returncode}")
        self.find_url()

    def find_url(self):
        with open(os.path.join(self.state, "http.address")) as f:
            self.url = "http://" + f.read().strip()

    def stop(self):
        if not self.process:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            status = self.process.wait()
        self.process = None
        return status

    def station_pid(self):
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"/stationd") and self.config.encode() in words:
                return int(path.split("/")[2])
        raise AssertionError("no stationd runs")

    def kill(self):
        """kill -9; with --respawn the station comes back, and is waited for."""
        address = os.path.join(self.state, "http.address")
        os.unlink(address)
        os.kill(self.station_pid(), signal.SIGKILL)
        until(lambda: os.path.exists(address) and os.path.getsize(address), "the station is back")
        self.find_url()

    def rest(self, path, body=None, method=None, kind="application/json", headers=None):
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        if method == "POST" and data is None:
            data = b"{}"
        head = dict(headers or {})
        if data is not None:
            head["Content-Type"] = kind
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data=data, headers=head, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.load(error)) from None

    def control(self, line):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(60)
            s.connect(self.control_path)
            s.sendall(line.encode() + b"\n")
            answer = s.makefile().readline().rstrip("\n")
        if not answer.startswith("ok"):
            raise AssertionError(f"{line}: {answer}")
        rest = answer[2:].strip()
        return json.loads(rest) if rest[:1] in ("{", "[") else rest

    def recipe(self, name="app", files=None, board=None, version="1.0.0", extra=(), sign=True, parts=None):
        """Builds and signs; returns the path of the image."""
        folder = tree(os.path.join(self.work, f"{name}-{version}"), files or {
            "main.py": b"print('hello')\n" * 40, "lib/a.py": b"x = 1\n", "data.bin": bytes(range(256)) * 400})
        plain, signed = (os.path.join(self.work, f"{name}-{version}.{end}") for end in ("unsigned", "img"))
        subprocess.run([CTL, "recipe", "build", "-b", board or self.board.split(",")[0], "-n", name, "-v", version,
                        *extra, "-o", plain, *(parts or [f"ROMFS0={folder}"])], check=True)
        if not sign:
            return plain
        subprocess.run([CTL, "recipe", "sign", "-k", self.key, plain, "-o", signed], check=True,
                       stdout=subprocess.DEVNULL)
        return signed

    def upload(self, path):
        with open(path, "rb") as f:
            return self.rest("/recipes", f.read(), "POST", "application/octet-stream")["sha256"]

    def open_batch(self, sha, quantity=100, order="WO-1"):
        return self.rest("/batches", {"order": order, "recipe": sha, "quantity": quantity}, "POST")["id"]

    def prepare(self, quantity=100, **recipe):
        """A recipe and an open batch before any camera is there."""
        self.start(cameras=0)
        path = self.recipe(**recipe)
        sha = self.upload(path)
        batch = self.open_batch(sha, quantity)
        equal(self.stop(), 0, "exit status")
        return path, sha, batch

    def slots(self):
        return self.rest("/slots?limit=1000")["items"]

    def wait_slot(self, number, states, seconds=WAIT_S, after=""):
        """The slot as it is once it is in one of the states, by an attempt other than `after`.  All of it from one answer:
        between two the slot goes on."""
        def there():
            slots = [s for s in self.slots() if s["slot"] == number]
            return slots[0] if slots and slots[0]["state"] in states and slots[0]["attempt"] != after else None
        try:
            return until(there, f"slot {number} in {sorted(states)}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; now {[(s['slot'], s['state']) for s in self.slots()]}") from None

    def wait_rest(self, count=None):
        want = self.cameras if count is None else count

        def there():
            slots = self.slots()
            return slots if len(slots) >= want and all(s["state"] in RESTING for s in slots) else None
        return until(there, "all slots at rest")

    def dump(self, camera, partition):
        path = os.path.join(self.work, "dump")
        self.control(f"dump {camera} {partition} {path}")
        with open(path, "rb") as f:
            return f.read()

    def camera(self, number):
        return self.control("state")["cameras"][number - 1]

    def verify(self):
        db = os.path.join(self.state, "journal.db")
        if os.path.exists(db):
            done = subprocess.run([CTL, "journal", "verify", "--db", db, "--checkpoints", f"{self.work}/checkpoints",
                                   "--pubkey", f"{self.state}/station.key.pub"], capture_output=True, text=True)
            equal(done.returncode, 0, f"journal verify: {done.stdout}{done.stderr}")
            said = audit(db, f"{self.work}/checkpoints", f"{self.state}/station.key.pub")
            equal(said[0], INTACT, f"the auditor says {said}")

    def database(self):
        return sqlite3.connect(f"file:{self.state}/journal.db?mode=ro", uri=True)


def payload(recipe, partition="ROMFS0"):
    """The bytes of a region, by stationctl recipe unpack."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([CTL, "recipe", "unpack", recipe, "-o", f"{folder}/out"], check=True, stdout=subprocess.DEVNULL)
        with open(f"{folder}/out/recipe.json") as f:
            manifest = json.load(f)
        region = next(r for r in manifest["regions"] if r["partition"] == partition)
        with open(f"{folder}/out/{region['payload']}", "rb") as f:
            return f.read()
