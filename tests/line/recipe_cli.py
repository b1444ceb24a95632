#!/usr/bin/env python3
"""stationctl recipe against stock minisign and against recipes written here by hand, byte by byte."""
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
CTL = os.path.join(BUILD, "stationctl")
BOARDS = os.path.abspath("fixtures/boards")
MAGIC = b"\xd2\xcd\x31"
FIRST_LINE = b"untrusted comment: signature from minisign secret key\n"
# These need the journal's counters or a batch's board: tests/unit/t_recipe_codes.c provokes them.
BY_UNIT_TEST = {"rollback", "units-exhausted", "board-mismatch", "recipe-inactive"}  # the last: recipe_life.py

work = tempfile.mkdtemp(prefix="romline-recipe-")
os.chdir(work)
os.makedirs("tmp")
os.environ["TMPDIR"] = os.path.join(work, "tmp")
os.environ["ROMLINE_BOARDS"] = BOARDS
results = []
provoked = set()


def check(name, good, detail=""):
    results.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}")
    if not good and detail:
        print("".join(f"# {line}\n" for line in str(detail).splitlines()), end="")
    sys.stdout.flush()


def ctl(*words, stdin=None):
    return subprocess.run([CTL, "recipe", *words], capture_output=True, input=stdin, timeout=60, check=False)


def code_of(done):
    """The code of a refusal, which is one line in the agreed form."""
    found = re.fullmatch(rb"stationctl: ([a-z-]+): [^\n]+; [^\n]+\n", done.stderr)
    return found.group(1).decode() if found else repr(done.stderr)


def minisign(*words):
    return subprocess.run(["minisign", *words], capture_output=True, timeout=60, check=False)


def write(path, data):
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def varuint(value, width=0):
    out = [value & 0x7F]
    value >>= 7
    while value or len(out) < width:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(reversed(out))


def record(kind, payload):
    return varuint(kind) + varuint(len(payload)) + payload


def file_record(name, data):
    return record(5, varuint(len(name)) + name + record(2, data))


def image(records, width=5):
    return MAGIC + varuint(len(records), width) + records


def romfs(name=b"main.py", data=b"print(1)\n", align=4):
    """One file at a multiple of align and of nothing above."""
    pad = 0
    while True:
        out = image(record(1, b"\xff" * pad) + file_record(name, data))
        at = len(out) - len(data)
        if at % align == 0 and at % (2 * align):
            return out
        pad += 1


def manifest(payload, **changes):
    region = {"partition": "ROMFS0", "payload": "payload/romfs0.img", "kind": "romfs", "length": len(payload),
              "crc32": f"{zlib.crc32(payload):08x}", "sha256": hashlib.sha256(payload).hexdigest(), "tail": "keep",
              "misaligned_ok": []}
    region.update({k: changes.pop(k) for k in list(changes) if k in region})
    out = {"format": "romline.recipe.1", "name": "demo", "version": "1.4.0", "rollback": 0, "board": "openmv-n6",
           "regions": [region], "limits": {"not_before": None, "not_after": None, "units": None},
           "after": {"mode": "run"}}
    out.update(changes)
    return json.dumps(out).encode()


def recipe(payload=None, text=None, **changes):
    payload = romfs() if payload is None else payload
    text = manifest(payload, **changes) if text is None else text
    return image(file_record(b"recipe.json", text) + record(4, b"\x07payload" + file_record(b"romfs0.img", payload)))


def sign(unsigned, *keys, legacy=False, comment=None):
    """What the format asks for, made with minisign itself."""
    records = []
    for key in keys:
        write("to-sign.img", unsigned)
        words = ["-S", "-s", f"{key}.key", "-m", "to-sign.img", "-x", "to-sign.minisig"]
        done = minisign(*words, *(["-l"] if legacy else []), *(["-t", comment] if comment else []))
        assert done.returncode == 0, done.stderr
        lines = read("to-sign.minisig")
        records.append((key_id(key), record(83, FIRST_LINE + lines.split(b"\n", 1)[1])))
    return image(unsigned[8:] + b"".join(r for _, r in sorted(records)))


def key_id(key):
    import base64
    return base64.b64decode(read(f"{key}.pub").split(b"\n")[1])[2:10]


def make_key(name):
    done = minisign("-G", "-W", "-f", "-p", f"{name}.pub", "-s", f"{name}.key")
    assert done.returncode == 0, done.stderr


def trust(folder, *keys, **terms):
    os.makedirs(folder, exist_ok=True)
    for key in keys:
        shutil.copy(f"{key}.pub", folder)
    for key, value in terms.items():
        write(f"{folder}/{key}.json", json.dumps(value).encode())
    return folder


def verify(data, *words, folder="trust"):
    write("verify.img", data)
    return ctl("verify", "-K", folder, *words, "verify.img")


def expect(name, code, data, *words, folder="trust"):
    done = verify(data, *words, folder=folder)
    got = code_of(done) if done.returncode else "ok"
    provoked.add(got)
    check(f"{code}: {name}", got == code and done.returncode == (0 if code == "ok" else 1), f"{got}: {done.stderr}")


def building():
    write("app/main.py", b"print('hello')\n")
    write("app/lib/labels.txt", b"cat\ndog\n")
    write("app/model.tflite", os.urandom(5000))
    write("saved.img", romfs(b"model.tflite", b"m" * 64, 32) + b"bytes behind the image stay")
    args = ["-b", "openmv-n6", "-n", "demo", "-v", "1.4.0", "--rollback", "7", "--limit", "units=5", "--limit",
            "not_after=2030-01-01T00:00:00Z", "--tail", "ROMFS0=blank"]
    done = ctl("build", *args, "-o", "dir.img", "ROMFS0=app")
    check("build takes a folder", done.returncode == 0, done.stderr)
    ctl("build", *args, "-o", "dir2.img", "ROMFS0=app")
    check("the same input gives the same bytes", read("dir.img") == read("dir2.img"))
    check("build says the SHA-256 of the image",
          done.stdout.split()[0].decode() == hashlib.sha256(read("dir.img")).hexdigest(), done.stdout)
    done = ctl("build", *args, "-o", "u.img", "ROMFS0=saved.img")
    data = read("u.img")
    check("the header has its one width", data[:3] == MAGIC and len(data) == 8 + int_of(data[3:8]))
    ctl("unpack", "u.img", "-o", "u")
    check("a file goes in byte for byte", read("u/payload/romfs0.img") == read("saved.img"))
    m = json.loads(read("u/recipe.json"))
    want = json.loads(manifest(read("saved.img"), rollback=7, tail="blank", limits={
        "not_before": None, "not_after": "2030-01-01T00:00:00.000Z", "units": 5}))
    check("the manifest says what was asked for", m == want, f"{m}\n{want}")
    check("the manifest is the first record", data[8] == 5 and data.index(b"recipe.json") == 15)
    ctl("unpack", "dir.img", "-o", "d")
    built = read("d/payload/romfs0.img")
    check("a folder's image has a commit unit", int_of_record(built) and built[16:65536].count(b"\xff") == 65520)
    at = built.index(read("app/model.tflite"))
    check("a model lies as its board needs", at % 32 == 0, at)
    write("keep.img", b"keep me")
    done = ctl("build", *args[:6], "-o", "keep.img", "BOOTLOADER=saved.img")
    check("a failed build leaves the old file", code_of(done) == "partition-forbidden" and read("keep.img") == b"keep me")
    check("no temporary file stays", not [f for f in os.listdir(".") if f.startswith("keep.img.")])


def int_of(data):
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value


def int_of_record(data):
    return data[:3] == MAGIC and data[8] == 1


def build_refusals():
    base = {"-b": "openmv-n6", "-n": "demo", "-v": "1", "-o": "no.img"}
    write("small.bin", b"x" * 16)
    write("misaligned.img", romfs(b"m.tflite", b"m" * 64, 4))
    rows = [
        ({}, [], "usage"),
        ({"-b": None}, ["ROMFS0=saved.img"], "usage"),
        ({"-n": None}, ["ROMFS0=saved.img"], "usage"),
        ({"-v": None}, ["ROMFS0=saved.img"], "usage"),
        ({"-o": None}, ["ROMFS0=saved.img"], "usage"),
        ({}, ["ROMFS0"], "usage"),
        ({}, ["=saved.img"], "usage"),
        ({}, ["--bogus", "ROMFS0=saved.img"], "usage"),
        ({}, ["--rollback", "-1", "ROMFS0=saved.img"], "usage"),
        ({}, ["--rollback", "x", "ROMFS0=saved.img"], "usage"),
        ({}, ["--limit", "units=0", "ROMFS0=saved.img"], "usage"),
        ({}, ["--limit", "color=red", "ROMFS0=saved.img"], "usage"),
        ({}, ["--limit", "not_after=never", "ROMFS0=saved.img"], "usage"),
        ({}, ["--tail", "FIRMWARE=blank", "ROMFS0=saved.img"], "usage"),
        ({}, ["--tail", "ROMFS0=red", "ROMFS0=saved.img"], "usage"),
        ({}, ["--after", "sleep", "ROMFS0=saved.img"], "usage"),
        ({}, ["FIRMWARE=app"], "usage"),
        ({}, ["ROMFS0=absent.img"], "file-failed"),
        ({"-b": "zx81"}, ["ROMFS0=saved.img"], "board-unknown"),
        ({"-n": "Demo"}, ["ROMFS0=saved.img"], "manifest-invalid"),
        ({}, ["ROMFS9=saved.img"], "partition-unknown"),
        ({}, ["ROMFS0=saved.img", "ROMFS0=saved.img"], "region-overlap"),
        ({}, ["ROMFS0=small.bin"], "romfs-malformed"),
        ({}, ["FIRMWARE=small.bin"], "firmware-implausible"),
        ({}, ["ROMFS0=misaligned.img"], "model-misaligned"),
        ({}, ["ROMFS0=misaligned.img", "--misaligned-ok", "ROMFS0:other.tflite"], "model-misaligned"),
        ({}, ["ROMFS0=misaligned.img", "--misaligned-ok", "ROMFS0:m.tflite"], "ok"),
        ({}, ["ROMFS0=saved.img", "--after", "bootloader"], "ok"),
    ]
    bad = []
    for changes, words, code in rows:
        options = [w for k, v in {**base, **changes}.items() if v for w in (k, v)]
        done = ctl("build", *options, *words)
        got = code_of(done) if done.returncode else "ok"
        status = {"ok": 0, "usage": 2}.get(code, 1)
        if got != code or done.returncode != status:
            bad.append(f"{words}: {got} ({done.returncode}), not {code}")
    check(f"build refuses what a station would ({len(rows)} rows)", not bad, "\n".join(bad))


def signing():
    done = ctl("sign", "-k", "alice.key", "u.img", "-o", "s.img")
    check("sign runs stock minisign", done.returncode == 0, done.stderr)
    check("sign leaves nothing behind", not os.listdir("tmp"))
    check("signing keeps the identity", done.stdout.split()[0].decode() == hashlib.sha256(read("u.img")).hexdigest())
    ctl("sign", "-k", "bob.key", "s.img", "-o", "s.img")
    ctl("detach", "s.img", "-o", "d.img", "--signatures", "sigs")
    check("detach gives the unsigned image", read("d.img") == read("u.img"))
    names = {k: key_id(k)[::-1].hex().upper() + ".minisig" for k in ("alice", "bob")}
    check("detach names signatures by key id", set(os.listdir("sigs")) == set(names.values()), os.listdir("sigs"))
    for key, name in names.items():
        done = minisign("-V", "-p", f"{key}.pub", "-m", "d.img", "-x", f"sigs/{name}")
        check(f"stock minisign verifies {key}'s signature over the unsigned image", done.returncode == 0, done.stderr)
    minisign("-S", "-s", "alice.key", "-m", "u.img", "-x", "a.minisig", "-c", "my own words", "-t", "shipped\ttoday")
    minisign("-S", "-s", "bob.key", "-m", "u.img", "-x", "b.minisig")
    done = ctl("attach", "u.img", "b.minisig", "a.minisig", "-o", "both.img")
    other = ctl("attach", "u.img", "a.minisig", "b.minisig", "-o", "both2.img")
    check("attach takes any untrusted comment", done.returncode == 0 and other.returncode == 0, done.stderr)
    check("attach sorts", read("both.img") == read("both2.img"))
    check("stock minisign's signatures verify", verify(read("both.img")).returncode == 0)
    by_hand = sign(recipe(), "alice", "bob")
    write("hand.img", by_hand)
    ctl("detach", "hand.img", "-o", "hand-u.img", "--signatures", "hand-sigs")
    ctl("attach", "hand-u.img", *(f"hand-sigs/{n}" for n in os.listdir("hand-sigs")), "-o", "hand2.img")
    check("a recipe written by hand comes out byte for byte", read("hand2.img") == by_hand)
    done = ctl("sign", "-k", "absent.key", "u.img", "-o", "never.img")
    check("sign fails with minisign", done.returncode == 1 and not os.path.exists("never.img"), done.stderr)
    minisign("-S", "-l", "-s", "alice.key", "-m", "u.img", "-x", "legacy.minisig")
    check("attach refuses a legacy signature", code_of(ctl("attach", "u.img", "legacy.minisig", "-o", "l.img"))
          == "signature-legacy")
    check("attach refuses what is no signature", code_of(ctl("attach", "u.img", "u.img", "-o", "l.img"))
          in ("signature-bad", "too-large"))
    check("attach without a signature is usage", ctl("attach", "u.img", "-o", "l.img").returncode == 2)


def judging():
    good = sign(recipe(), "alice")
    done = verify(good, "--json")
    want = {"ok": True, "code": None, "sha256": hashlib.sha256(recipe()).hexdigest(),
            "signers": [{"key": "alice", "roles": ["release"]}]}
    check("verify --json says who signed", json.loads(done.stdout) == want, done.stdout)
    done = verify(recipe(), "--json")
    answer = json.loads(done.stdout)
    check("verify --json says why not", done.returncode == 1 and answer["ok"] is False and answer["code"] == "unsigned"
          and answer["sha256"] == want["sha256"] and answer["signers"] == [], done.stdout)
    check("verify without a trust folder is usage", ctl("verify", "u.img").returncode == 2)
    check("verify of an absent file fails", code_of(ctl("verify", "-K", "trust", "absent.img")) == "file-failed")
    bad_trust = trust("bad-trust", "alice")
    shutil.copy("alice.pub", "bad-trust/again.pub")
    check("two files with one key are refused", code_of(ctl("verify", "-K", bad_trust, "u.img")) == "trust-invalid")

    expect("one signature", "ok", good)
    expect("no signature", "unsigned", recipe())
    expect("an untrusted key", "key-unknown", sign(recipe(), "mallory"))
    expect("a good and an untrusted key", "key-unknown", sign(recipe(), "alice", "mallory"))
    expect("a revoked key", "key-revoked", sign(recipe(), "carol"))
    expect("a key that is over", "key-not-in-force", sign(recipe(), "dave"))
    expect("the same key in its time", "ok", sign(recipe(), "dave"), "--at", "2019-06-01T00:00:00Z")
    expect("an old signature", "signature-legacy", sign(recipe(), "alice", legacy=True))
    other = sign(recipe(name="other"), "alice")
    expect("a signature of something else", "signature-bad", image(recipe()[8:] + other[len(recipe(name="other")):]))
    expect("a required role", "ok", good, "--require", "release")
    expect("a role that nobody gave", "role-missing", good, "--require", "release,quality")
    expect("two roles of one key", "role-missing", sign(recipe(), "erin"), "--require", "release,quality")
    expect("two roles of two keys", "ok", sign(recipe(), "alice", "erin"), "--require", "release,quality")
    write("trust/revoked-recipes", hashlib.sha256(recipe(name="gone")).hexdigest().encode() + b" # faulty\n")
    expect("a revoked recipe", "recipe-revoked", sign(recipe(name="gone"), "alice"))


def refusing():
    payload = romfs()

    def case(label, code, *args, **changes):
        expect(label, code, sign(recipe(*args, **changes), "alice"))

    good = sign(recipe(), "alice")
    expect("a plain file", "recipe-malformed", b"hello")
    expect("a cut file", "recipe-malformed", good[:-1])
    expect("a byte behind the image", "recipe-not-canonical", good + b"\0")
    expect("a header of another width", "recipe-not-canonical", image(good[8:], 6))
    expect("an unknown record", "recipe-not-canonical", sign(image(recipe()[8:] + b"\x06\x00"), "alice"))
    expect("a file that no region names", "recipe-not-canonical",
           sign(image(recipe()[8:] + file_record(b"more", b"x")), "alice"))
    expect("another first line", "recipe-not-canonical", good.replace(b"from minisign", b"from somebody"))
    case("an unknown key", "manifest-invalid", color="red")
    case("no JSON", "manifest-invalid", text=b"{")
    case("a name with capitals", "manifest-invalid", name="Demo")
    case("raw for a ROMFS partition", "manifest-invalid", kind="raw")
    case("an unknown board", "board-unknown", board="zx81")
    case("an unknown partition", "partition-unknown", partition="ROMFS7")
    case("the bootloader", "partition-forbidden", partition="BOOTLOADER", kind="raw")
    region = json.loads(manifest(payload))["regions"][0]
    case("one partition twice", "region-overlap", regions=[region, region])
    chip = {**region, "partition": "SPI_FLASH", "kind": "raw"}
    case("a partition inside another", "region-overlap", board="openmv-h7-plus", regions=[region, chip])
    big = payload + b"\0" * (128 * 1024 + 1 - len(payload))
    case("one byte too much", "payload-too-big", big, board="openmv-m4")
    case("the last byte that fits", "ok", big[:-1], board="openmv-m4")
    case("another CRC", "payload-mismatch", crc32="00000000")
    case("another SHA-256", "payload-mismatch", sha256="0" * 64)
    case("another length", "payload-mismatch", length=len(payload) - 1)
    case("no ROMFS", "romfs-malformed", b"x" * 100)
    case("a file that runs past the image", "romfs-malformed", image(b"\x05\x7f\x01a\x02\x7f"))
    case("a misaligned model", "model-misaligned", romfs(b"m.tflite", b"m" * 64, 16))
    case("the same, allowed by the signers", "ok", romfs(b"m.tflite", b"m" * 64, 16), misaligned_ok=["m.tflite"])
    case("no firmware", "firmware-implausible", b"\xff" * 64, partition="FIRMWARE", kind="raw")
    vectors = struct.pack("<II", 0x20020000, 0x08040401) + bytes(56)
    case("plausible firmware", "ok", vectors, partition="FIRMWARE", kind="raw", board="openmv-h7-plus")
    case("a recipe of tomorrow", "too-early", limits={"not_before": "2199-01-01T00:00:00Z", "not_after": None,
                                                      "units": None})
    case("a recipe of yesterday", "expired", limits={"not_before": None, "not_after": "2020-01-01T00:00:00Z",
                                                     "units": None})


def looking():
    done = ctl("inspect", "--json", "both.img")
    answer = json.loads(done.stdout)
    check("inspect --json shows manifest and signatures", answer["manifest"]["name"] == "demo"
          and len(answer["signatures"]) == 2 and "shipped\ttoday" in [s["comment"] for s in answer["signatures"]],
          done.stdout)
    done = ctl("inspect", "both.img")
    check("inspect says that nothing is verified", done.returncode == 0 and done.stdout.count(b"(not verified)") == 2)
    check("inspect takes an unsigned recipe", b"signature   none" in ctl("inspect", "u.img").stdout)
    done = ctl("unpack", "both.img", "-o", "out")
    files = sorted(os.path.join(p, f)[4:] for p, _, fs in os.walk("out") for f in fs)
    check("unpack writes what is inside", done.returncode == 0 and len(files) == 4
          and files[:2] == ["payload/romfs0.img", "recipe.json"], files)
    check("unpack replaces nothing", code_of(ctl("unpack", "both.img", "-o", "out")) == "file-failed")
    os.mkdir("victim")
    os.mkdir("trap")
    os.symlink("../victim", "trap/payload")
    done = ctl("unpack", "both.img", "-o", "trap")
    check("unpack follows no link", done.returncode == 1 and not os.listdir("victim"), done.stderr)
    for path in ("../x.img", "payload/../../x.img", "/tmp/x.img"):
        write("evil.img", recipe(payload=romfs(), text=manifest(romfs()).replace(b"payload/romfs0.img", path.encode())))
        done = ctl("unpack", "evil.img", "-o", "evil")
        check(f"unpack refuses the path {path}", code_of(done) == "manifest-invalid", done.stderr)
    write("evil.img", image(file_record(b"recipe.json", manifest(romfs())) + file_record(b"../x", b"x")))
    check("unpack refuses a name that climbs", ctl("unpack", "evil.img", "-o", "evil").returncode == 1)
    write("evil.img", recipe(payload=romfs(), crc32="00000000"))
    check("unpack holds the digests", code_of(ctl("unpack", "evil.img", "-o", "evil2")) == "payload-mismatch")


def all_codes(source):
    part = source[source.index("/* recipe: refused"):source.index("/* admission:")]
    codes = set(re.findall(r'X\([A-Z_]+,\s*"([a-z-]+)"', part))
    missing = codes - provoked - BY_UNIT_TEST
    check(f"each of the {len(codes)} recipe codes was provoked", len(codes) == 26 and not missing, sorted(missing))


def main():
    source = read(os.path.join(ROOT, "station/base/codes.h")).decode()
    for key in ("alice", "bob", "carol", "dave", "erin", "mallory"):
        make_key(key)
    trust("trust", "alice", "bob", "carol", "dave", "erin", carol={"revoked": "2026-01-01T00:00:00Z"},
          dave={"not_before": "2019-01-01T00:00:00Z", "not_after": "2020-01-01T00:00:00Z"},
          erin={"roles": ["release", "quality"]})
    building()
    build_refusals()
    signing()
    judging()
    refusing()
    looking()
    all_codes(source)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


ROOT = os.path.dirname(BOARDS.rsplit("/", 1)[0])
try:
    status = main()
finally:
    os.chdir("/")
    shutil.rmtree(work, ignore_errors=True)
sys.exit(status)
