#!/usr/bin/env python3
"""What QA takes away from a station: search, a unit's log as text, exports, the proof of an attempt, following.

One line of three cameras; camera 2's flash is bad until it is retried.  A proof is held against the format once by
stationctl and once by this file, with hashlib and openssl alone."""
import base64
import csv
import io
import json
import os
import random
import select
import signal
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from auditor import Signatures, read_checkpoint, row_hash
from harness import CTL, Refused, Rig, Tests, equal, until

test = Tests()


class Shared:
    rig = sha = batch = None
    uids = attempts = ()


def get(path):
    with urllib.request.urlopen(f"{Shared.rig.url}/api/v1{path}", timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read()


def ctl(*words, url=True):
    env = {**os.environ, "ROMLINE_URL": Shared.rig.url} if url else os.environ
    done = subprocess.run([CTL, *words], capture_output=True, text=True, env=env, timeout=120)
    return done.returncode, done.stdout, done.stderr


def refused(path, status, code):
    try:
        Shared.rig.rest(path)
    except Refused as e:
        equal((e.status, e.code), (status, code), path)
    else:
        raise AssertionError(f"{path} is answered")


def begin():
    rig = Shared.rig = Rig(cameras=3, speed="instant", start=False, program="hold_after = 0")
    _, Shared.sha, Shared.batch = rig.prepare()
    with open(f"{rig.work}/faults", "w") as f:
        f.write("camera=2 at=upload partition=ROMFS0 block=17 times=100 do=flip:5.3\n")
    rig.start(options=("--faults", f"{rig.work}/faults"))
    rig.wait_slot(2, {"failed"})
    for n in (1, 3):
        rig.wait_slot(n, {"passed"})
    Shared.uids = [s["uid"] for s in rig.slots()]
    Shared.attempts = [s["attempt"] for s in rig.slots()]
    rig.rest(f"/units/{Shared.uids[0]}/serial", {"serial": "SN-0001"}, "POST")


def check_proof(proof):
    """(verdict, code) of the attempt, by the format's text alone."""
    equal(proof["format"], "romline.proof.1")
    station, size, head = read_checkpoint(proof["checkpoint"]["text"].encode())
    seq, value = int(proof["attempt"]), bytes.fromhex(proof["prev"])
    for body in proof["rows"]:
        value = row_hash(station, seq, value, body.encode())
        seq += 1
    equal((station, size, head), (proof["station"], seq - 1, value))
    with tempfile.TemporaryDirectory() as folder:
        public = base64.b64decode(proof["public_key"])
        with open(f"{Shared.rig.state}/station.key.pub") as f:
            pem = "".join(f.read().splitlines()[1:-1])
        equal(base64.b64decode(pem)[-32:], public, "the key")
        good = Signatures(f"{Shared.rig.state}/station.key.pub", folder).good(
            proof["checkpoint"]["text"].encode(), base64.b64decode(proof["checkpoint"]["signature"]))
    assert good, "the signature"
    own = [json.loads(b) for b in proof["rows"]]
    end = [b for b in own if b.get("attempt") == proof["attempt"] and b["kind"] == "attempt-ended"]
    return end[0]["verdict"], end[0]["code"]


@test
def proofs():
    """an attempt that ended a moment ago has its proof; stationctl and a second reader of the format agree on it"""
    begin()
    for n, want in ((0, ("PASS", "ok")), (1, ("FAIL", "flash-mismatch"))):
        proof = json.loads(get(f"/attempts/{Shared.attempts[n]}/proof")[1])
        equal(check_proof(proof), want)
        status, out, err = ctl("attempts", Shared.attempts[n], "--proof")
        equal((status, json.loads(out), err), (0, proof, ""))
        path = f"{Shared.rig.work}/proof.json"
        with open(path, "w") as f:
            f.write(out)
        status, out, err = ctl("journal", "prove", path, url=False)
        equal((status, err), (0, ""))
        assert f"proved: attempt {proof['attempt']} ended {want[0]} ({want[1]})" in out and Shared.uids[n] in out, out
        assert "hold it against the station's own" in out, out
        status, out, _ = ctl("journal", "prove", path, "--pubkey", f"{Shared.rig.state}/station.key.pub", "--json", url=False)
        said = json.loads(out)
        equal((status, said["result"], said["verdict"], said["uid"], said["key_named"]),
              (0, "intact", want[0], Shared.uids[n], True))
    refused("/attempts/1/proof", 404, "not-found")
    refused("/attempts/999999/proof", 404, "not-found")
    equal(ctl("attempts", "--proof")[0], 2)


@test
def forgeries():
    """a changed byte of a proof's file is caught: exit 3, 5 or 1, and nothing is said of the attempt"""
    path = f"{Shared.rig.work}/proof.json"
    with open(path, "rb") as f:
        whole = f.read().rstrip(b"\n")
    rng = random.Random(7)
    seen = set()
    for _ in range(60):
        at = rng.randrange(len(whole))
        forged = bytearray(whole)
        forged[at] ^= 1 << rng.randrange(7)
        with open(path, "wb") as f:
            f.write(forged)
        status, out, err = ctl("journal", "prove", path, url=False)
        assert status in (1, 3, 5) and not out and err.startswith("stationctl: "), (at, status, out, err)
        seen.add(status)
    assert 3 in seen, seen
    status, out, err = ctl("journal", "prove", path, "--pubkey", f"{Shared.rig.trust}/none", url=False)
    equal((status, out), (1, ""))
    equal(ctl("journal", "prove", url=False)[0], 2)


@test
def search():
    """one box: the beginning of a UID or a serial, an order, a batch's number; exact ones first"""
    rig = Shared.rig
    ask = lambda text: rig.rest(f"/search?q={urllib.parse.quote(text)}")
    for text in (Shared.uids[1], Shared.uids[1].upper(), Shared.uids[1][:20]):
        equal([u["uid"] for u in ask(text)["units"]], [Shared.uids[1]], text)
    for text in ("SN-0001", "SN-"):
        equal([u["serial"] for u in ask(text)["units"]], ["SN-0001"], text)
    for text in ("WO-1", "WO", Shared.batch):
        equal([b["id"] for b in ask(text)["batches"]], [Shared.batch], text)
    equal(ask("nothing like it"), {"units": [], "batches": [], "more": False})
    equal(ask("%"), {"units": [], "batches": [], "more": False})
    for bad in ("", "?q=", "?q=a%0ab", "?q=" + "x" * 129, "?q=a&q=b", "?x=1"):
        refused(f"/search{bad}", 400, "bad-request")


@test
def logs():
    """a unit's log can be read out: words, groups of four, expected and read CRC; several of a serial are listed"""
    kind, text = get(f"/units/{Shared.uids[1]}/log")
    text = text.decode()
    equal(kind, "text/plain; charset=utf-8")
    attempt = Shared.rig.rest(f"/attempts/{Shared.attempts[1]}")
    region = attempt["regions"][0]
    groups = lambda word: " ".join(word.upper()[i:i + 4] for i in range(0, len(word), 4))
    for words in (groups(Shared.uids[1]), f"Attempt {Shared.attempts[1]}: FAIL", "code          flash-mismatch",
                  "what to do    Set the camera aside", f"CRC expected {groups(region['crc32'])}, read {groups(region['crc32_read'])}: DIFFERENT",
                  "recipe        app 1.0.0, whose SHA-256 begins", "signed by     key", "order         WO-1", "slot          2"):
        assert words in text, (words, text)
    assert all(len(line) <= 160 for line in text.splitlines()), text
    equal(ctl("unit", Shared.uids[1]), (0, text, ""))
    equal(ctl("unit", "SN-0001")[1], get("/units/SN-0001/log")[1].decode())
    equal(json.loads(ctl("unit", "SN-0001", "--json")[1])["uid"], Shared.uids[0])
    Shared.rig.rest(f"/units/{Shared.uids[2]}/serial", {"serial": "SN-0001"}, "POST")
    refused("/units/SN-0001/log", 409, "conflict")
    status, out, err = ctl("unit", "SN-0001")
    assert status == 1 and Shared.uids[0] in out and Shared.uids[2] in out and "several units" in err, (status, out, err)
    Shared.rig.rest(f"/units/{Shared.uids[2]}/serial", {"serial": None}, "POST")
    refused("/units/none/log", 404, "not-found")


@test
def exports():
    """CSV and JSON of any filter hold the same attempts, oldest first, those of the list"""
    for query in ("", "?verdict=FAIL", f"?uid={Shared.uids[0]}", "?order=nothing"):
        kind, text = get(f"/exports/attempts.json{query}")
        equal(kind, "application/json")
        items = json.loads(text)
        equal(items, Shared.rig.rest(f"/attempts{query}")["items"][::-1], query)
        rows = list(csv.DictReader(io.StringIO(get(f"/exports/attempts.csv{query}")[1].decode(), newline="")))
        equal([r["id"] for r in rows], [i["id"] for i in items], query)
        equal(ctl("export", "--json", *(("--" + query[1:].replace("=", " ")).split() if query else ()))[1], text.decode())


@test
def figures():
    """stationctl stats fits a terminal and says what the API says"""
    status, out, err = ctl("stats", "--order", "WO-1")
    equal((status, err), (0, ""))
    assert all(len(line) <= 80 for line in out.splitlines()), out
    stats = Shared.rig.rest("/stats?order=WO-1")
    low, high = stats["rates"]["yield"]["low"] * 100, stats["rates"]["yield"]["high"] * 100
    for words in (f"yield          66.67 %   {low:.2f} %  {high:.2f} %         2         3", "first pass", "flash-mismatch       FAIL",
                  "no hour was beyond", "read-back", "   2    0.00 %"):
        assert words in out, (words, out)
    equal(json.loads(ctl("stats", "--json")[1]), Shared.rig.rest("/stats"))


def follow(*words):
    return subprocess.Popen([CTL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "ROMLINE_URL": Shared.rig.url})


def lines_of(process, enough):
    """What it prints, until that is enough."""
    got = []
    deadline = time.monotonic() + 120
    while not enough(got):
        if time.monotonic() > deadline:
            raise AssertionError(f"never enough: {got}")
        if select.select([process.stdout], [], [], 1)[0]:
            got.append(os.read(process.stdout.fileno(), 1 << 20).decode())
    return "".join(got)


@test
def following():
    """--follow shows what ends from now on, each once, takes a broken stream up where it broke, keeps to its filter"""
    rig = Shared.rig
    every, passes = follow("attempts", "--follow", "--json"), follow("attempts", "--follow", "--verdict", "PASS")
    got = ""
    while not got:  # what ended before the stream began is not shown
        rig.rest("/slots/2/retry", {}, "POST")
        rig.wait_slot(2, {"failed"})
        if select.select([every.stdout], [], [], 2)[0]:
            got = os.read(every.stdout.fileno(), 1 << 20).decode()
    first = int(json.loads(got.splitlines()[0])["id"])
    os.kill(rig.station_pid(), signal.SIGKILL)
    rig.process.wait(timeout=60)
    rig.process = None
    rig.start(options=("--listen", rig.url[len("http://"):]))
    rig.wait_rest()
    equal(rig.wait_slot(2, {"passed"})["verdict"], "PASS")
    want = [a["id"] for a in rig.rest("/attempts")["items"] if int(a["id"]) >= first]
    got += lines_of(every, lambda more: (got + "".join(more)).count("\n") >= len(want))
    equal(sorted(json.loads(line)["id"] for line in got.splitlines()), sorted(want))
    shown = lines_of(passes, lambda more: "".join(more).count("\n") >= 2)
    equal([line.split()[3] for line in shown.splitlines()[1:]], ["PASS"])
    for process in (every, passes):
        process.terminate()
        process.wait(timeout=30)
        assert "trying again" in process.stderr.read()
    equal(ctl("attempts", "--follow", "--from", "2026-01-01T00:00:00Z")[0], 2)
    equal(ctl("attempts", "--follow", "--url", "http://127.0.0.1:9")[0], 1)


@test
def ended():
    """the journal of all of this is intact"""
    Shared.rig.__exit__(None, None, None)


test.main()
