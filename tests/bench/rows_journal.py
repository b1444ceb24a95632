"""The journal: verdicts committed durably against one fsync each; history and search at a million attempts."""
import hashlib
import http.client
import json
import os
import random
import shutil
import subprocess
import tempfile
import time

from bench import BUILD, ROUNDS, Rig, p99, quiet

WRITERS = 64
ATTEMPTS = int(os.environ.get("ATTEMPTS") or 1000000)
ASKED = 300  # of each kind


def commits(bench):
    with tempfile.TemporaryDirectory(dir="build") as work:
        got = json.loads(subprocess.run([f"{BUILD}/bench/commits", work, str(WRITERS), "100", str(3 * ROUNDS)], check=True,
                                        capture_output=True).stdout)
    each = [1e3 / ms for ms in got["fsync"]]
    bench.row(f"verdicts committed durably, {WRITERS} writers", got["many"], each, "one fsync each", "1/s", 8, "more")
    bench.row("a lone PASS committed durably", got["lone"], got["fsync"], "one fsync", "ms", 2)


def made(attempts):
    """The journal's folder; made once for each schema and kept, since that takes minutes."""
    sources = sorted(f"db/{n}" for n in os.listdir("db")) + ["station/journal/apply.c", "station/journal/chain.c",
                                                             "tests/bench/history.c"]
    digest = hashlib.sha256(b"".join(open(path, "rb").read() for path in sources)).hexdigest()[:12]
    folder = os.path.abspath(f"build/bench-history-{attempts}-{digest}")
    if not os.path.exists(f"{folder}/made"):
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder, 0o700)
        print(f"  making a journal of {attempts} attempts, for some minutes", flush=True)
        subprocess.run([f"{BUILD}/bench/history", folder, str(attempts)], check=True)
        open(f"{folder}/made", "w").close()
    return folder


class Old(Rig):
    """A station over a journal that is kept: it is neither removed nor verified at the end."""

    def __init__(self, folder):
        super().__init__(cameras=0, start=False)
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(text.replace(f"state_dir = {self.state}", f"state_dir = {folder}"))
        self.state = folder

    def verify(self):
        pass


def ask(connection, path):
    began = time.perf_counter()
    connection.request("GET", f"/api/v1{path}")
    answer = connection.getresponse()
    body = answer.read()
    ms = 1e3 * (time.perf_counter() - began)
    if answer.status != 200 or len(body) < 100:
        raise SystemExit(f"{path}: {answer.status} {body[:200]}")
    return ms


def uid(unit):
    """As history.c numbers them."""
    return f"{unit * 2654435761 % (1 << 32):08x}{unit:08x}{7:08x}"


def history(bench):
    dice, units = random.Random(7), ATTEMPTS // 2
    kinds = {
        "a unit's history": lambda: f"/units/{uid(dice.randrange(units))}",
        "attempts of a unit": lambda: f"/attempts?uid={uid(dice.randrange(units))}",
        "attempts of an order": lambda: f"/attempts?order=WO-{dice.randrange(ATTEMPTS // 10000)}&limit=50",
        "failures of a slot": lambda: f"/attempts?slot={2 + dice.randrange(32) * 2}&verdict=FAIL&limit=50",
        "failures by code": lambda: "/attempts?code=flash-mismatch&limit=50",
        "attempts of a day": lambda: f"/attempts?from=2026-01-{1 + dice.randrange(ATTEMPTS // 86400 + 1):02d}T00:00:00Z&limit=50",
        "newest attempts": lambda: "/attempts?limit=50",
    }
    with quiet(Old(made(ATTEMPTS))) as rig:
        rig.start(cameras=0)
        connection = http.client.HTTPConnection(rig.url.removeprefix("http://"))
        for what, path in kinds.items():
            ask(connection, path())
            bench.limit(f"{what} at {ATTEMPTS} attempts, p99", [ask(connection, path()) for _ in range(ASKED)], "ms", 5,
                        take=p99)
        connection.close()


ROWS = [("journal commits", commits), ("journal history", history)]
