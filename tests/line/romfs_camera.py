#!/usr/bin/env python3
"""stationctl romfs query, read, deploy and reset on plugged cameras: through the daemon, and without one."""
import glob
import gzip
import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.request

from harness import CTL, STATION_BUILD, Refused, Rig, Tests, equal, payload, until

test = Tests()
BUILD = os.path.dirname(CTL)


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def ctl(rig, *words, status=0, url=True):
    where = ["--url", rig.url] if url else []
    done = subprocess.run([CTL, "romfs", words[0], *where, *words[1:]], capture_output=True, text=True, timeout=120)
    equal(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
    return done.stdout if status == 0 else done.stderr


def refusal(text):
    """The stable code of `stationctl: CODE: sentence; what to do`."""
    return text.splitlines()[-1].split(": ")[1]


def bench(board="openmv-n6", cameras=1, **options):
    """A station whose slots are disabled: cameras wait in their bootloaders for a person's word."""
    rig = Rig(board, cameras, start=False, speed="instant", **options)
    rig.start(mode="run")
    until(lambda: len(rig.slots()) == cameras, "all cameras are there")
    for slot in range(1, cameras + 1):
        rig.rest(f"/slots/{slot}/disable", {}, "POST")
        rig.control(f"power-cycle {slot} hold")
    until(lambda: all(s["camera"] == "bootloader" for s in rig.slots()), "all bootloaders are there")
    return rig


def again(rig, slot=1):
    """The camera back in its bootloader."""
    rig.control(f"power-cycle {slot} hold")
    until(lambda: rig.slots()[slot - 1]["camera"] == "bootloader", "the bootloader is back")


def image(rig, name, files, board=None):
    folder, out = os.path.join(rig.work, name), os.path.join(rig.work, name + ".img")
    os.makedirs(folder)
    for path, data in files.items():
        with open(os.path.join(folder, path), "wb") as f:
            f.write(data)
    subprocess.run([CTL, "romfs", "build", folder, "-b", board or rig.board, "-o", out], check=True, stdout=subprocess.DEVNULL)
    return folder, out


def contents(path):
    with open(path, "rb") as f:
        return f.read()


def query(rig, *words):
    cameras = json.loads(ctl(rig, "query", "--json", *words))["cameras"]
    return cameras[0]["partitions"][0]


@test
def query_says():
    """query: size, erase units, first bytes, image size and why not, also where the header is 16 bytes long"""
    with bench() as rig:
        p = query(rig)
        equal((p["partition"], p["size"], p["erase_units"]), ("ROMFS0", 24 << 20, [{"size": 65536, "count": 384}]))
        equal((p["image_bytes"], p["valid"], p["files"]), (4, True, 0), "an empty file system")
        record = b"\x04a.py\x02\x80\x05x = 1"
        body = b"\x05" + b"\x80" * 6 + bytes([len(record)]) + record
        wide = b"\xd2\xcd\x31" + b"\x80" * 12 + bytes([len(body)]) + body
        flash = {
            "wide": (wide, (len(wide), True, 1, None)),
            "blank": (b"\xff" * 8192, (None, False, None, "the flash is blank")),
            "zeros": (b"\0" * 4096, (None, False, None, "no ROMFS header is there")),
            "long": (b"\xd2\xcd\x31\x8f\xff\xff\xff\x7f", (0xffffffff + 8, False, None, "partition has 25165824")),
            "overflow": (b"\xd2\xcd\x31\x9f\xff\xff\xff\x7f", (None, False, None, "no ROMFS header")),
            "kind 0": (b"\xd2\xcd\x31\x02\x00\x00", (6, False, None, "")),
        }
        for name, (data, (size, valid, files, why)) in flash.items():
            path = os.path.join(rig.work, "flash")
            with open(path, "wb") as f:
                f.write(data)
            rig.control(f"load 1 ROMFS0 {path}")
            p = query(rig)
            equal((p["image_bytes"], p["valid"], p["files"]), (size, valid, files), name)
            equal(p["first"], (data + b"\xff" * 12)[:12].hex(), name)
            assert (why is None) == (p["reason"] is None) and (why or "") in (p["reason"] or ""), f"{name}: {p}"
        text = ctl(rig, "query", "--slot", "1")
        assert "384 x 65536" in text and "slot 1, 1-1.1, openmv-n6" in text, text
        equal(rig.database().execute("SELECT count(*) FROM attempts").fetchone()[0], 0, "attempts")


@test
def read_exact():
    """read: a partition byte for byte, its image alone, of every camera, over REST with its length"""
    with bench(cameras=2) as rig:
        data, path = noise(25165824, 1), os.path.join(rig.work, "flash")
        with open(path, "wb") as f:
            f.write(data)
        rig.control(f"load 1 ROMFS0 {path}")
        out = os.path.join(rig.work, "out")
        ctl(rig, "read", "--slot", "1", "-o", out)
        equal(contents(out) == data, True, "the whole partition")
        with urllib.request.urlopen(f"{rig.url}/api/v1/slots/1/partitions/ROMFS0?length=70001") as answer:
            equal((answer.headers["Content-Length"], answer.headers["Content-Type"]), ("70001", "application/octet-stream"))
            equal(answer.read() == data[:70001], True, "the start")
        _, img = image(rig, "app", {"main.py": b"print(1)\n", "data.bin": noise(150000, 2)})
        for camera in (1, 2):
            rig.control(f"load {camera} ROMFS0 {img}")
        ctl(rig, "read", "--all", "--image", "-o", out + "s")
        for n in (1, 2):
            equal(contents(f"{out}s/slot-{n}-ROMFS0.img") == contents(img), True, f"the image of camera {n}")
        ctl(rig, "read", "--path", "1-1.2", "-p", "BOOTLOADER", "-o", out)
        equal(contents(out) == rig.dump(2, "BOOTLOADER"), True, "the bootloader")
        equal(refusal(ctl(rig, "read", "-o", out, status=2)), "usage", "two cameras, none named")
        equal(refusal(ctl(rig, "read", "--slot", "1", "-p", "NOTHING", "-o", out, status=1)), "not-found")
        equal(refusal(ctl(rig, "read", "--path", "1-7", "-o", out, status=1)), "replug-needed")
        rig.control("fault camera=1 at=upload partition=ROMFS0 block=900 times=100000 do=stall")
        os.unlink(out)
        equal(refusal(ctl(rig, "read", "--slot", "1", "-o", out, status=1)), "usb-gone")
        equal(glob.glob(out + "*"), [out + "s"], "nothing that looks whole")


@test
def one_at_a_time():
    """a camera that is read is busy to others, shows it, and is free when the client goes away"""
    with bench() as rig:
        sha = rig.upload(rig.recipe())
        rig.control("fault camera=1 at=upload partition=ROMFS0 block=900 do=silent")  # takes until its deadline
        answer = urllib.request.urlopen(f"{rig.url}/api/v1/slots/1/partitions/ROMFS0")
        answer.read(100)
        slot = rig.slots()[0]
        equal((slot["state"], slot["step"], slot["total_bytes"]), ("empty", "reading", 24 << 20))
        for body, path in (({"recipe": sha}, "/slots/1/deploy"), (None, "/slots/1/partitions/ROMFS0")):
            try:
                rig.rest(path, body, "POST" if body else None)
                raise AssertionError(f"{path} is let in")
            except Refused as refused:
                equal((refused.status, refused.code), (409, "conflict"))
        answer.close()
        until(lambda: rig.slots()[0]["step"] is None, "the reading ends")
        rig.control("clear")
        out = os.path.join(rig.work, "out")
        ctl(rig, "read", "-o", out)
        equal(contents(out) == rig.dump(1, "ROMFS0"), True, "afterwards")


@test
def deploy_through_the_daemon():
    """deploy: an attempt of kind deploy, read back and proved; the unit is changed after PASS; no batch and no yield counts it"""
    with Rig(cameras=2, start=False, speed="instant", program="allow_unsigned = yes") as rig:
        path, _, batch = rig.prepare()
        rig.start()
        slots = rig.wait_rest()
        equal([s["verdict"] for s in slots], ["PASS", "PASS"])
        counted = rig.rest("/stats"), rig.rest(f"/batches/{batch}")
        uid = slots[0]["uid"]
        equal((rig.rest(f"/units/{uid}")["status"], slots[0]["kind"]), ("passed", "program"))
        folder, img = image(rig, "new", {"main.py": b"print(2)\n", "data.bin": noise(150000, 2)})
        equal(refusal(ctl(rig, "deploy", "--slot", "1", img, status=1)), "replug-needed", "it runs")
        rig.rest("/slots/1/disable", {}, "POST")
        again(rig)
        text = ctl(rig, "deploy", img)
        assert "PASS" in text and "read back crc32" in text, text
        want = contents(img)
        equal(rig.dump(1, "ROMFS0")[:len(want)] == want, True, "byte for byte")
        slot = rig.slots()[0]
        equal((slot["state"], slot["kind"], slot["camera"]), ("passed", "deploy", "run"))
        unit = rig.rest(f"/units/{uid}")
        equal((unit["status"], unit["passed"], unit["attempts"][0]["kind"]), ("changed after PASS", None, "deploy"))
        equal([s["step"] for s in unit["attempts"][0]["steps"]][-1], "confirmed")
        equal((rig.rest("/stats"), rig.rest(f"/batches/{batch}")), counted, "what counts")
        # the same again writes nothing; the folder makes the same bytes
        again(rig)
        assert "wrote 0 bytes" in ctl(rig, "deploy", "-p", "ROMFS0", folder)
        # the other unit is as it was
        equal(rig.rest(f"/units/{slots[1]['uid']}")["status"], "passed")
        # a deploy of what is there already leaves a unit's PASS alone
        rig.rest("/slots/2/disable", {}, "POST")
        again(rig, 2)
        ctl(rig, "deploy", "--slot", "2", path)
        equal(rig.rest(f"/units/{slots[1]['uid']}")["status"], "passed", "nothing was written")
        # programmed again it has passed again
        rig.rest("/slots/1/enable", {}, "POST")
        rig.control("power-cycle 1 hold")  # it is taken at once: nobody may see it wait
        until(lambda: rig.rest(f"/units/{uid}")["status"] == "passed", "it passed again")
        equal(rig.rest(f"/batches/{batch}")["passed"], 2)


@test
def only_what_is_signed():
    """without allow_unsigned only a signed recipe is deployed; another board's, a revoked and a held one are refused before the camera is touched"""
    with bench() as rig:
        folder, img = image(rig, "app", {"main.py": b"print(1)\n"})
        for what in (img, folder):
            equal(refusal(ctl(rig, "deploy", what, status=1)), "unsigned")
        good = rig.recipe()
        assert "PASS" in ctl(rig, "deploy", good)
        again(rig)
        other = rig.recipe(name="other", board="openmv-h7-plus")
        equal(refusal(ctl(rig, "deploy", other, status=1)), "board-mismatch")
        equal(refusal(ctl(rig, "deploy", "-p", "ROMFS0", good, status=2)), "usage")
        rig.rest("/recipes/" + rig.upload(good) + "/revoke", {}, "POST")
        equal(refusal(ctl(rig, "deploy", good, status=1)), "recipe-revoked")
        broken = os.path.join(rig.work, "broken.img")
        with open(broken, "wb") as f:
            f.write(contents(good)[:-200])
        assert refusal(ctl(rig, "deploy", broken, status=1)) in ("recipe-malformed", "image-invalid", "unsigned")
        equal(rig.slots()[0]["camera"], "bootloader")
        equal(rig.database().execute("SELECT count(*) FROM attempts").fetchone()[0], 1, "attempts")


@test
def reset_blanks():
    """reset: the image that the user names, and nothing behind it; deploy leaves the rest alone"""
    with bench(program="allow_unsigned = yes") as rig:
        path = os.path.join(rig.work, "flash")
        with open(path, "wb") as f:
            f.write(noise(25165824, 3))
        _, img = image(rig, "default", {"main.py": b"print(0)\n"})
        want = contents(img)
        rig.control(f"load 1 ROMFS0 {path}")
        ctl(rig, "deploy", img)
        equal(rig.dump(1, "ROMFS0")[-4096:] == contents(path)[-4096:], True, "deploy keeps the tail")
        again(rig)
        ctl(rig, "reset", img)
        flash = rig.dump(1, "ROMFS0")
        equal((flash[:len(want)] == want, flash[len(want):].strip(b"\xff")), (True, b""), "reset")


@test
def dfuse_cameras():
    """Arduino's cameras: query, deploy over the whole of two sizes, read, and what the record says of the bootloader"""
    with bench("arduino-portenta-h7", options=["--windows", "0.01"], program="allow_unsigned = yes") as rig:
        p = query(rig)
        equal((p["partition"], p["size"], p["erase_units"]), ("ROMFS0", 4 << 20, [{"size": 65536, "count": 64}]))
        others = {name: rig.dump(1, name) for name in ("BOOTLOADER", "FILESYSTEM", "FIRMWARE", "SPI_FLASH", "WIFI", "BT")}
        for size in (150000, 3001):
            folder, img = image(rig, f"app{size}", {"main.py": b"print(1)\n", "data.bin": noise(size, size)})
            text = ctl(rig, "deploy", folder)
            assert "PASS" in text and "read back crc32" in text, text
            again(rig)
            out = os.path.join(rig.work, f"out{size}")
            ctl(rig, "read", "--image", "-o", out)
            equal(contents(out) == contents(img), True, "what was deployed")
        equal({name: rig.dump(1, name) == was for name, was in others.items()}, dict.fromkeys(others, True), "the rest")
        versions = rig.rest("/attempts?limit=1")["items"][0]["versions"]
        equal((versions["bootloader"], len(versions["bootloader_sha256"])), ("25", 64), "versions")


@test
def trouble_is_told():
    """what a camera does during deploy is the attempt's verdict; --all goes on with the others; retry deploys again"""
    with bench(cameras=3, program="allow_unsigned = yes") as rig:
        _, img = image(rig, "app", {"main.py": b"print(1)\n", "d.bin": noise(90000, 4)})
        rig.control("fault camera=2 at=program partition=ROMFS0 nth=4 times=100000 do=status:errPROG")
        done = subprocess.run([CTL, "romfs", "deploy", "--url", rig.url, "--all", img], capture_output=True, text=True)
        equal(done.returncode, 1, done.stdout)
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith("slot")]
        equal(sorted((line[1], line[2]) for line in lines), [("1", "PASS"), ("2", "FAIL"), ("3", "PASS")])
        slot = rig.slots()[1]
        equal((slot["code"], slot["kind"]), ("flash-error", "deploy"))
        rig.control("clear 2")
        rig.rest("/slots/2/enable", {}, "POST")
        rig.rest("/slots/2/retry", {}, "POST")
        slot = rig.wait_slot(2, {"passed", "error", "refused"})
        equal((slot["code"], slot["kind"]), ("ok", "deploy"))
        equal(rig.dump(2, "ROMFS0")[:90000] == contents(img)[:90000], True)


@test
def cut_after_every_block():
    """a cut before every block of a deploy: nothing mounts, or the whole; the next deploy, not compared, passes"""
    count = 40
    with bench(cameras=count, program="allow_unsigned = yes\nretries = 0") as rig:
        _, old = image(rig, "old", {"main.py": b"print('old')\n", "a.bin": noise(150000, 7)})
        _, new = image(rig, "new", {"main.py": b"print('new')\n", "a.bin": noise(100000, 8)})
        want, before = contents(new), contents(old)
        rig.control(f"load 1 ROMFS0 {old}")
        wrote = ctl(rig, "deploy", "--slot", "1", new)
        blocks = int(wrote.split("wrote ")[1].split()[0]) // 4096
        equal(20 < blocks <= 2 * (count - 1), True, f"{blocks} blocks to cut")
        whole = 0
        for first in range(1, blocks + 1, count - 1):
            cuts = range(first, min(first + count - 1, blocks + 1))
            rig.control("clear")
            for camera, block in enumerate(cuts, 2):
                rig.control(f"load {camera} ROMFS0 {old}")
                rig.control(f"power-cycle {camera} hold")
                rig.control(f"fault camera={camera} at=dnload partition=ROMFS0 nth={block} do=power-cut")
            until(lambda: all(s["camera"] == "bootloader" for s in rig.slots()[1:len(cuts) + 1]), "they are back")
            done = subprocess.run([CTL, "romfs", "deploy", "--url", rig.url, "--all", new], capture_output=True, text=True)
            equal(done.returncode, 1, done.stdout)
            for camera, block in enumerate(cuts, 2):
                slot = rig.slots()[camera - 1]
                equal((slot["verdict"], slot["code"]), ("ERROR", "usb-gone"), f"block {block}: {slot['message']}")
                flash = rig.dump(camera, "ROMFS0")
                path = os.path.join(rig.work, "flash")
                with open(path, "wb") as f:
                    f.write(flash[:1 << 20])
                sound = subprocess.run([CTL, "romfs", "check", path], capture_output=True).returncode == 0
                equal(sound, flash[:len(want)] == want or flash[:len(before)] == before, f"block {block}: sound, and one of the two")
                whole += sound
        equal(whole, 1, "the old one before the first block, and nothing after it")
        for camera in (2, 3, len(cuts) + 1):
            again(rig, camera)
            ctl(rig, "deploy", "--slot", str(camera), new)
            steps = {s["step"]: s for s in rig.rest(f"/attempts/{rig.slots()[camera - 1]['attempt']}")["steps"]}
            equal((steps["compared"]["bytes"], rig.dump(camera, "ROMFS0")[:len(want)] == want), (0, True))


def alone(rig, script, cameras=1, mode="hold", status=0):
    """A virtual line with a shell in front of it, no daemon.  Returns what it printed, and stderr."""
    done = subprocess.run([f"{BUILD}/virtual-line", "--cameras", str(cameras), "--board", rig.board, "--mode", mode,
                           "--flash", os.path.join(rig.work, "cameras"), "--speed", "instant", "--", "sh", "-ec", script],
                          capture_output=True, text=True, timeout=120, env={
                              **os.environ, "TMPDIR": rig.work, "CTL": f"{os.path.abspath(CTL)} romfs", "CONF": rig.config,
                              "WORK": rig.work, "STATIOND": os.path.abspath(f"{STATION_BUILD}/stationd")})
    equal(done.returncode, status, f"{script}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


@test
def without_a_daemon():
    """no daemon: query and read need nothing; deploy is recorded in the station's journal, or says --unrecorded"""
    with Rig(start=False, program="allow_unsigned = yes") as rig:
        os.mkdir(os.path.join(rig.work, "cameras"))
        _, img = image(rig, "app", {"main.py": b"print(1)\n", "d.bin": noise(90000, 4)})
        shutil.copy(img, f"{rig.work}/x.img")
        out, _ = alone(rig, '$CTL query; $CTL read --image -o $WORK/empty; $CTL query --json >$WORK/q')
        assert "image: 4 bytes, valid, 0 files" in out, out
        equal(contents(f"{rig.work}/empty"), b"\xd2\xcd\x31\x00")
        _, err = alone(rig, "$CTL deploy $WORK/x.img", status=1)
        equal(refusal(err), "daemon-unreachable")
        out, _ = alone(rig, "$CTL deploy -c $CONF $WORK/x.img")
        assert "PASS" in out, out
        out, _ = alone(rig, '$CTL query -c $CONF; $CTL read --image -o $WORK/back')
        assert "valid, 2 files" in out, out
        equal(contents(f"{rig.work}/back") == contents(img), True, "what was deployed")
        kinds = [k for (k,) in rig.database().execute("SELECT kind FROM journal ORDER BY seq")]
        equal([k for k in kinds if k.startswith(("station-st", "attempt-w", "attempt-e"))],
              ["station-started", "attempt-writing", "attempt-ended", "station-stopped", "station-started",
               "station-stopped"])
        equal(rig.database().execute("SELECT kind, verdict FROM attempts").fetchall(), [("deploy", "PASS")])
        rows = len(kinds)
        out, _ = alone(rig, "$CTL reset --unrecorded $WORK/empty")
        assert "PASS" in out, out
        equal(rig.database().execute("SELECT count(*) FROM journal").fetchone()[0], rows, "rows")
        equal(glob.glob(f"{rig.work}/romline-*"), [], "temporary folders")


@test
def one_station_at_a_time():
    """stationctl holds the station's lock: stationd does not start meanwhile, and the other way round it is stationd that does the work"""
    with Rig(start=False, program="allow_unsigned = yes") as rig:
        os.mkdir(os.path.join(rig.work, "cameras"))
        _, img = image(rig, "app", {"main.py": b"print(1)\n"})
        shutil.copy(img, f"{rig.work}/x.img")
        sed = f"sed 's/^level = debug/&/; /^\\[http/d' $CONF > $WORK/c; printf '[http]\\nlisten = 127.0.0.1:0\\n' >> $WORK/c"
        out, err = alone(rig, sed + """
            ($CTL query -c $WORK/c --slot 7 --wait 4 || echo waited $?) & pid=$!
            n=0; until [ -e $WORK/state/http.address ] || [ $n = 200 ]; do n=$((n+1)); sleep 0.05; done
            if $STATIOND -c $WORK/c 2>$WORK/second; then echo started; fi
            wait $pid; tail -1 $WORK/second""")
        assert "waited 1" in out and "started" not in out, out
        assert "journal-failed" in out and "another program holds the journal" in out, out
        out, err = alone(rig, sed + """
            $STATIOND -c $WORK/c 2>$WORK/log & pid=$!
            n=0; until [ -e $WORK/state/http.address ] || [ $n = 200 ]; do n=$((n+1)); sleep 0.05; done
            $CTL query -c $WORK/c --slot 9 || echo refused $?
            kill $pid; wait $pid; echo stopped $?""")
        assert "refused 1" in out and "stopped 0" in out, out
        starts = rig.database().execute("SELECT note FROM runs").fetchall()
        equal(starts, [("stationctl, for one order",), (None,)], "runs")


@test
def older_journal():
    """a journal from before deploys were known verifies as it is, and is brought forward by a start"""
    with tempfile.TemporaryDirectory() as work:
        state = os.path.join(work, "state")
        os.mkdir(state)
        with gzip.open("tests/corpus/journal/schema-1.db.gz") as f, open(f"{state}/journal.db", "wb") as out:
            out.write(f.read())
        shutil.copy("tests/corpus/journal/schema-1.key.pub", f"{state}/station.key.pub")
        done = subprocess.run([CTL, "journal", "verify", "--db", f"{state}/journal.db", "--pubkey", f"{state}/station.key.pub"],
                              capture_output=True, text=True)
        equal((done.returncode, "intact" in done.stdout), (0, True), done.stdout + done.stderr)
        copy = os.path.join(work, "tampered.db")
        shutil.copy(f"{state}/journal.db", copy)
        with sqlite3.connect(copy) as con:
            con.execute("UPDATE attempts SET verdict = 'FAIL', code = 'flash-error'")
        con.close()
        done = subprocess.run([CTL, "journal", "verify", "--db", copy, "--pubkey", f"{state}/station.key.pub"],
                              capture_output=True, text=True)
        equal(done.returncode, 3, done.stdout + done.stderr)


test.main()
