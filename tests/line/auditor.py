"""A second verifier of the journal, written from the text of its format alone: what an auditor would write who has the
manual page, hashlib, sqlite3 and openssl, and nothing of the station's."""
import base64
import hashlib
import json
import os
import sqlite3
import struct
import subprocess
import tempfile

INTACT, TAMPERED, TRUNCATED, BADLY_SIGNED = 0, 3, 4, 5
NAMES = {INTACT: "intact", TAMPERED: "tampered", TRUNCATED: "truncated", BADLY_SIGNED: "badly-signed"}


def row_hash(station, seq, prev, body):
    name = station.encode()
    return hashlib.blake2b(b"romline.journal.1\0" + struct.pack(">H", len(name)) + name + struct.pack(">Q", seq) + prev
                           + struct.pack(">I", len(body)) + body, digest_size=32).digest()


class Signatures:
    """Ed25519 by openssl, each text and signature asked for once."""

    def __init__(self, key, folder):
        self.key, self.folder, self.known = key, folder, {}

    def good(self, text, signature):
        if (text, signature) not in self.known:
            paths = [os.path.join(self.folder, name) for name in ("text", "signature")]
            for path, data in zip(paths, (text, signature)):
                with open(path, "wb") as f:
                    f.write(data)
            self.known[text, signature] = subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", self.key, "-rawin", "-in", paths[0],
                 "-sigfile", paths[1]], capture_output=True).returncode == 0
        return self.known[text, signature]


def read_checkpoint(text):
    """(station, size, head) of the five lines, or None."""
    try:
        mark, station, size, head, at, rest = text.decode().split("\n")
        ok = mark == "romline.checkpoint.1" and not rest and at.endswith("Z") and size == str(int(size))
        return (station, int(size), bytes.fromhex(head)) if ok else None
    except ValueError:
        return None


def file_records(path):
    with open(path, "rb") as f:
        data = f.read()
    for paragraph in data.split(b"\n\n"):
        lines = paragraph.strip(b"\n").split(b"\n")
        if len(lines) == 6 and len(lines[5]) >= 88:
            try:
                yield b"\n".join(lines[:5]) + b"\n", base64.b64decode(lines[5], validate=True)
            except ValueError:
                yield b"", b""


def our_verdict(db, checkpoints, signatures):
    """(result, first_bad, rows, head) as the text of the format says.  The journal may be growing: the file first, since
    a checkpoint is in the database before it is there; then one reading of the database."""
    filed = list(file_records(checkpoints))
    con = sqlite3.connect(f"file:{db}?mode=ro", uri=True, isolation_level=None)
    con.text_factory = bytes
    con.execute("BEGIN")
    station = con.execute("SELECT name FROM station").fetchone()[0].decode()
    rows = con.execute("SELECT seq, at, kind, prev, hash, body FROM journal ORDER BY seq").fetchall()
    records = [(text, bytes(sign)) for text, sign in con.execute("SELECT text, signature FROM checkpoint")]
    con.close()
    bad, marks = 0, []
    for text, sign in records + filed:
        c = read_checkpoint(text)
        if c and c[0] == station and signatures.good(text, sign):
            marks.append(c[1:])
        else:
            bad += 1
    marks.sort()
    head = rows[-1][4].hex() if rows else None
    answer = lambda result, first: (result, first, len(rows), head)
    prev, good, last_at = bytes(32), 0, b""
    for n, (seq, at, kind, stored_prev, stored, body) in enumerate(rows, 1):
        if seq != n:
            return answer(TAMPERED, n)
        if stored_prev != prev or stored != row_hash(station, seq, prev, body):
            return answer(TAMPERED, n)
        said = json.loads(body)
        if said["kind"].encode() != kind or said["at"].encode() != at or at < last_at:
            return answer(TAMPERED, n)
        prev, last_at = stored, at
        for size, wanted in marks:
            if size == n:
                if wanted != stored:
                    return answer(TAMPERED, good + 1)
                good = size
    if marks and marks[-1][0] > len(rows):
        return answer(TRUNCATED, len(rows) + 1)
    if bad:
        return answer(BADLY_SIGNED, None)
    taken = {read_checkpoint(text)[1] for text, _ in filed} - {read_checkpoint(text)[1] for text, _ in records}
    return answer(TAMPERED, min(taken)) if taken else answer(INTACT, None)


def audit(db, checkpoints, key):
    """The verdict of one journal on disk, by a key of its own folder; the answer is that of our_verdict."""
    with tempfile.TemporaryDirectory() as folder:
        return our_verdict(db, checkpoints, Signatures(key, folder))
