#!/usr/bin/env python3
"""The auditor's verifier (auditor.py, written from the format's text alone) against `stationctl journal verify`.

Both look at the same journal, whole and after hundreds of forgeries drawn by a fixed seed; they must agree on the
verdict, the first bad row, the number of rows and the head.  Nothing here is shared with the station: hashlib,
sqlite3 and openssl.
"""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from auditor import NAMES, Signatures, our_verdict, row_hash

BUILD = os.environ.get("BUILD", "build")


def their_verdict(db, checkpoints, key):
    run = subprocess.run([f"{BUILD}/stationctl", "journal", "verify", "--db", db, "--checkpoints", checkpoints,
                          "--pubkey", key, "--json"], capture_output=True, text=True)
    said = json.loads(run.stdout)
    if set(said) != {"rows", "head", "result", "first_bad"} or said["result"] != NAMES.get(run.returncode):
        raise SystemExit(f"unexpected answer: {run.stdout} {run.returncode}")
    if (run.returncode == 0) != (run.stderr == ""):
        raise SystemExit(f"standard error does not fit the verdict: {run.stderr}")
    return run.returncode, said["first_bad"], said["rows"], said["head"]


def forge(rng, con, rows, checkpoints):
    """One random forgery; its name.  Triggers are put back, so that the schema is as it was."""
    triggers = con.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        con.execute(f"DROP TRIGGER {name}")
    con.execute("PRAGMA ignore_check_constraints = ON")
    k = rng.randint(1, rows)

    def bit_of(column):
        value = con.execute(f"SELECT {column} FROM journal WHERE seq = ?", (k,)).fetchone()[0]
        data = bytearray(value if isinstance(value, bytes) else value.encode())
        # a low bit of a digit or letter keeps the text plain
        at = rng.randrange(len(data))
        data[at] ^= 1
        new = bytes(data) if isinstance(value, bytes) else data.decode("latin-1")
        con.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (new, k))

    def swap():
        other = rng.randint(1, rows)
        con.execute("UPDATE journal SET seq = -1 WHERE seq = ?", (k,))
        con.execute("UPDATE journal SET seq = ? WHERE seq = ?", (k, other))
        con.execute("UPDATE journal SET seq = ? WHERE seq = -1", (other,))

    def restamp():
        station = con.execute("SELECT name FROM station").fetchone()[0]
        prev = bytes(32)
        for seq, body in con.execute("SELECT seq, body FROM journal ORDER BY seq").fetchall():
            body = body.replace("anna", "bert") if seq >= k else body
            new = row_hash(station, seq, prev, body.encode())
            con.execute("UPDATE journal SET prev = ?, hash = ?, body = ? WHERE seq = ?", (prev, new, body, seq))
            prev = new

    def flip_file():
        data = bytearray(open(checkpoints, "rb").read())
        data[rng.choice([i for i, c in enumerate(data) if c != 10])] ^= 1
        open(checkpoints, "wb").write(data)

    choices = {
        "nothing": lambda: None,
        "hash": lambda: bit_of("hash"), "prev": lambda: bit_of("prev"), "body": lambda: bit_of("body"),
        "kind": lambda: bit_of("kind"), "at": lambda: bit_of("at"), "swap": swap, "restamp": restamp,
        "delete": lambda: con.execute("DELETE FROM journal WHERE seq = ?", (k,)),
        "cut": lambda: con.execute("DELETE FROM journal WHERE seq >= ?", (k,)),
        "cut both": lambda: (con.execute("DELETE FROM journal WHERE seq >= ?", (k,)),
                             con.execute("DELETE FROM checkpoint WHERE size >= ?", (k,))),
        "signature": lambda: con.execute("UPDATE checkpoint SET signature = randomblob(64)"),
        "file": flip_file,
    }
    name = rng.choice(sorted(choices))
    choices[name]()
    for _, sql in triggers:
        con.execute(sql)
    con.commit()
    return f"{name} at {k}"


def main():
    folder = subprocess.run([f"{BUILD}/tests/t_verify", "keep"], check=True, capture_output=True,
                            text=True).stdout.strip()
    work = tempfile.mkdtemp()
    key = os.path.join(folder, "station.key.pub")
    copy, file = os.path.join(work, "copy.db"), os.path.join(work, "checkpoints")
    signatures = Signatures(key, work)
    rng, failed, seen = random.Random(5), [], set()
    count = 150
    for n in range(count):
        for path in (copy, copy + "-wal", copy + "-shm"):
            if os.path.exists(path):
                os.remove(path)
        shutil.copy(os.path.join(folder, "journal.db"), copy)
        shutil.copy(os.path.join(folder, "checkpoints"), file)
        con = sqlite3.connect(copy)
        rows = con.execute("SELECT count(*) FROM journal").fetchone()[0]
        name = forge(rng, con, rows, file) if n else "nothing"
        con.close()
        ours, theirs = our_verdict(copy, file, signatures), their_verdict(copy, file, key)
        seen.add(ours[0])
        # A forgery can leave the chain sound and the tables not: only the station's verifier builds the tables.
        if ours != theirs:
            failed.append(f"{name}: we say {ours}, stationctl {theirs}")
    usage = subprocess.run([f"{BUILD}/stationctl", "journal", "verify", "--no-such"], capture_output=True).returncode
    none = subprocess.run([f"{BUILD}/stationctl", "journal", "verify", "--db", work + "/none"],
                          capture_output=True).returncode
    shutil.rmtree(work)
    shutil.rmtree(folder)
    results = [(f"both verifiers agree on {count} journals", not failed),
               ("the forgeries reached every verdict", seen == set(NAMES)),
               ("a wrong option is usage, a missing file unreadable", (usage, none) == (2, 1))]
    print(f"1..{len(results)}")
    for n, (name, ok) in enumerate(results, 1):
        print(f"{'ok' if ok else 'not ok'} {n} - {name}")
    for line in failed:
        print(f"# {line}")
    return 0 if all(ok for _, ok in results) else 1


if __name__ == "__main__":
    sys.exit(main())
