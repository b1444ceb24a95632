#!/usr/bin/env python3
"""Images looked into over REST: the corpus' verdicts, trees as stationctl romfs ls has them, payloads of recipes."""
import http.client
import json
import os
import subprocess
import urllib.request

from harness import CTL, Refused, Rig, Tests, equal, payload

test = Tests()
CORPUS = "tests/corpus/romfs"


class Shared:
    rig = recipe = sha = None


def look(data, query=""):
    return Shared.rig.rest(f"/images{query}", data, "POST", "application/octet-stream")


def begin():
    rig = Shared.rig = Rig(start=False)
    rig.start(cameras=0)
    Shared.recipe = rig.recipe(files={"main.py": b"print(1)\n", "lib/a.py": b"x = 1\n", "m.tflite": bytes(range(256)) * 9})
    Shared.sha = rig.upload(Shared.recipe)


@test
def corpus():
    """every image of the corpus: listed, or refused, as the corpus says"""
    begin()
    with open(f"{CORPUS}/expected.json") as f:
        rows = json.load(f)
    rows = rows if isinstance(rows, list) else rows["images"]
    bad, seen = [], 0
    link = http.client.HTTPConnection(Shared.rig.url.removeprefix("http://"), timeout=60)
    for row in rows:
        with open(f"{CORPUS}/images/{row['name']}.img", "rb") as f:
            data = f.read()
        if not data:
            continue
        link.request("POST", "/api/v1/images", data, {"Content-Type": "application/octet-stream"})
        answer = link.getresponse()
        tree = json.loads(answer.read())
        seen += 1
        if answer.status != 200:
            bad.append((row["name"], answer.status, tree))
            continue
        got = {e["path"].lstrip("/"): (e["type"], e["crc32"]) for e in tree["entries"]}
        if row["verdict"] == "accept":
            want = {e.get("path", "").lstrip("/"): (e["type"], e.get("crc32")) for e in row["entries"]}
            if not tree["valid"] or set(got) != set(want):
                bad.append((row["name"], tree, want))
        elif row["verdict"] in ("refuse", "mount_error") and (tree["valid"] or not tree["rule"] or not tree["message"]):
            bad.append((row["name"], tree))
    equal(bad[:3], [], f"{len(bad)} of {seen}")
    equal(seen > 500, True, f"{seen} images")


@test
def trees():
    """a tree is what stationctl romfs ls says; with a board what is not aligned says what it should be"""
    image = payload(Shared.recipe)
    path = os.path.join(Shared.rig.work, "image")
    with open(path, "wb") as f:
        f.write(image)
    want = json.loads(subprocess.run([CTL, "romfs", "ls", "--json", path], check=True, capture_output=True).stdout)["entries"]
    tree = look(image, "?board=openmv-n6&partition=ROMFS0")
    keys = ("path", "type", "size", "offset", "crc32", "align")
    equal([{k: e[k] for k in keys} for e in tree["entries"]], [{k: e[k] for k in keys} for e in want])
    equal((tree["bytes"], tree["image_bytes"], tree["room"], tree["valid"]), (len(image), len(image), 24 << 20, True))
    equal([e["wants"] for e in tree["entries"]], [None] * len(want), "built for this board")
    record = b"\x08m.tflite\x02\x04abcd"
    body = b"\x05" + bytes([len(record)]) + record
    skewed = b"\xd2\xcd\x31" + bytes([len(body)]) + body
    entry = look(skewed, "?board=openmv-n6")["entries"][0]
    equal((entry["wants"], entry["model"]), (32, True))
    equal(look(skewed)["entries"][0]["wants"], None, "without a board")
    for query, data, status in (("?board=nothing", skewed, 400), ("?partition=ROMFS0", skewed, 400), ("", b"", 400),
                                ("?board=openmv-n6&partition=NOTHING", skewed, 400), ("?x=1", skewed, 400)):
        try:
            look(data, query)
            raise AssertionError(f"{query} is answered")
        except Refused as refused:
            equal(refused.status, status, query)
    try:
        look(bytes((64 << 20) + 1))
        raise AssertionError("64 MiB and a byte are taken")
    except Refused as refused:
        equal((refused.status, refused.code), (413, "too-large"))


@test
def payloads():
    """a recipe's payload byte for byte, with its length; nothing of an unknown recipe or partition"""
    with urllib.request.urlopen(f"{Shared.rig.url}/api/v1/recipes/{Shared.sha}/payloads/ROMFS0") as answer:
        data = answer.read()
        equal(answer.headers["Content-Length"], str(len(data)))
    equal(data == payload(Shared.recipe), True)
    for path in (f"/recipes/{Shared.sha}/payloads/FIRMWARE", f"/recipes/{'0' * 64}/payloads/ROMFS0"):
        try:
            Shared.rig.rest(path)
            raise AssertionError(f"{path} is answered")
        except Refused as refused:
            equal(refused.status, 404, path)
    boards = {b["id"]: b for b in Shared.rig.rest("/boards")["items"]}
    equal(sorted(p["name"] for p in boards["openmv-ae3"]["partitions"] if p["role"] == "romfs"), ["ROMFS0", "ROMFS1"])


@test
def many_entries():
    """more entries than a page can show: 413 in words, and the station goes on"""
    body = b"".join(b"\x05" + bytes([len(n) + 3]) + bytes([len(n)]) + n + b"\x02\x00" for n in (b"%05d" % i for i in range(20001)))
    size = len(body)
    image = b"\xd2\xcd\x31" + bytes([0x80 | size >> 14, 0x80 | size >> 7 & 127, size & 127]) + body
    try:
        look(image)
        raise AssertionError("20001 entries are listed")
    except Refused as refused:
        equal((refused.status, refused.code), (413, "too-large"))
    equal(Shared.rig.rest("/station")["name"], "test")
    Shared.rig.__exit__(None, None, None)


test.main()
