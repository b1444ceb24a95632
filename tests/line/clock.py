#!/usr/bin/env python3
"""A station that starts under bad conditions: a clock that was set back, a disk that takes little or nothing."""
import os
import subprocess

from harness import BUILD, RESTING, STATION_BUILD, Refused, Rig, Tests, equal, until

test = Tests()
AHEAD_S = 7200
FILES = {"main.py": b"print('hello')\n" * 40, "data.bin": bytes(range(256)) * 40}


def journal(rig):
    with rig.database() as db:
        return db.execute("SELECT seq, at, kind, body FROM journal ORDER BY seq").fetchall()


@test
def set_back():
    """a clock two hours behind the journal: held, every attempt refused, nothing erased; right again, it goes on"""
    with Rig(start=False, cameras=2, speed="50") as rig:
        ahead = ("env", f"LD_PRELOAD={os.path.abspath(BUILD)}/tests/clock_shift.so", f"CLOCK_SHIFT={AHEAD_S}")
        rig.wrap = ahead
        rig.prepare(files=FILES)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 2, "all cameras are there")
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, RESTING)["state"], "passed")
        equal(rig.stop(), 0, "exit status")
        before = journal(rig)

        rig.wrap = ()
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 2, "all cameras are there")
        flash = rig.dump(2, "ROMFS0")
        until(lambda: rig.rest("/station")["state"] == "held", "the station is held")
        for resumed in (False, True):
            if resumed:  # a person cannot talk the clock out of it
                try:
                    rig.rest("/station/resume", method="POST")
                except Refused as error:
                    equal(error.code in ("conflict", "clock-behind"), True, error.code)
            old = rig.slots()[1]["attempt"]
            rig.control("power-cycle 2 hold")
            slot = rig.wait_slot(2, RESTING, after=old)
            equal((slot["state"], slot["code"]), ("refused", "clock-behind"), slot["message"])
            until(lambda: rig.rest("/station")["state"] == "held", "the station is held")
            view = rig.rest("/station")
            equal(view["code"], "clock-behind")
            equal(60000 < view["clock_behind_ms"] <= AHEAD_S * 1000, True, f"{view['clock_behind_ms']} ms")
        equal(rig.dump(2, "ROMFS0"), flash, "flash of 2")
        equal(rig.stop(), 0, "exit status")
        rows = journal(rig)
        equal(rows[:len(before)], before, "rows from before")
        equal([r[1] for r in rows], sorted(r[1] for r in rows), "times")
        equal({r[2] for r in rows[len(before):]} & {"attempt-started", "attempt-writing"}, set(), "what began")

        rig.wrap = ahead
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 2, "all cameras are there")
        equal(rig.rest("/station")["state"], "running")
        rig.control("power-cycle 2 hold")
        equal(rig.wait_slot(2, RESTING)["state"], "passed")


@test
def step_takes_too_long():
    """a step that takes longer than any may is ended at its next block: usb-timeout, and its neighbour goes on"""
    with Rig(start=False, cameras=2, speed="0.04", program="retries = 0", mode="run") as rig:
        leap = os.path.join(rig.work, "leap")
        rig.prepare(files=FILES)
        rig.wrap = ("env", f"LD_PRELOAD={os.path.abspath(BUILD)}/tests/clock_shift.so", f"CLOCK_LEAP={leap}")
        rig.start()
        until(lambda: len(rig.slots()) == 2, "all cameras are there")
        rig.control("power-cycle 1 hold")
        rig.wait_slot(1, {"compared"})  # it writes, for many seconds
        with open(leap, "w"):
            pass
        slot = rig.wait_slot(1, RESTING)
        equal((slot["state"], slot["code"], slot["message"]), ("error", "usb-timeout", "the step took too long"))
        rig.control("power-cycle 2 hold")
        rig.wait_slot(2, {"compared"})
        rig.rest("/slots/2/abort", method="POST")
        equal(rig.wait_slot(2, RESTING)["state"], "aborted")


@test
def right_again():
    """a clock set back and right again under a running station: held, then released by itself; a failed journal stays"""
    with Rig(start=False, cameras=2, speed="50", options=["--windows", "0.5"],
             program="already_passed = allow\nhold_after = 0") as rig:
        clock, trouble = f"{rig.work}/clock", f"{rig.work}/trouble"
        libraries = ":".join(f"{os.path.abspath(BUILD)}/tests/{name}.so" for name in ("clock_shift", "disk_trouble"))
        rig.wrap = ("env", f"LD_PRELOAD={libraries}", f"CLOCK_SHIFT={clock}", f"DISK_TROUBLE={trouble}")

        def say(path, text):
            with open(f"{path}.new", "w") as f:
                f.write(text)
            os.rename(f"{path}.new", path)

        def station_is(state, code):
            until(lambda: [rig.rest("/station")[key] for key in ("state", "code")] == [state, code], f"{state} {code}")
        say(clock, str(AHEAD_S))
        rig.prepare(files=FILES)
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 2, "all cameras are there")
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, RESTING)["state"], "passed")
        say(clock, "0")
        station_is("held", "clock-behind")
        say(clock, str(AHEAD_S))
        station_is("running", None)
        until(lambda: [r[2] for r in journal(rig)[-2:]] == ["station-held", "station-resumed"], "both are on disk")
        rig.control("power-cycle 2 hold")
        equal(rig.wait_slot(2, RESTING)["state"], "passed")

        say(clock, "0")
        station_is("held", "clock-behind")
        say(trouble, "write 28 journal.db\n")
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, {"unrecorded", "refused"})["state"], "unrecorded")
        station_is("held", "journal-failed")
        say(trouble, "")
        say(clock, str(AHEAD_S))
        until(lambda: rig.rest("/station")["clock_behind_ms"] == 0, "the clock is right")
        rig.control("power-cycle 2 hold")  # takes longer than the station needs to look at its clock
        equal(rig.wait_slot(2, {"refused"})["code"], "station-held")
        station_is("held", "journal-failed")
        rig.rest("/station/resume", method="POST")
        rig.control("power-cycle 1 hold")
        equal(rig.wait_slot(1, {"passed"})["code"], "ok")


def limited(rig, size):
    """Starts the station where no file grows beyond size; its exit status, or None when it serves; what it said."""
    address = f"{rig.state}/http.address"
    for stale in (address, rig.control_path):
        if os.path.exists(stale):
            os.unlink(stale)
    said = open(f"{rig.work}/said", "w+b")
    pipe = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=said)  # the limit is not for what it says
    rig.process = subprocess.Popen(
        [f"{BUILD}/virtual-line", "--cameras", "1", "--board", rig.board, "--mode", "run", "--flash", "factory",
         "--speed", rig.speed, "--control", rig.control_path, "--listen", "127.0.0.1:0", "--", "prlimit",
         f"--fsize={size}", f"{STATION_BUILD}/stationd", "-c", rig.config],
        stdout=pipe.stdin, stderr=pipe.stdin, start_new_session=True)
    pipe.stdin.close()
    until(lambda: rig.process.poll() is not None or os.path.exists(address) and os.path.getsize(address), "a decision")
    status = rig.process.poll()
    if status is None:
        rig.find_url()
        return None, pipe, said
    rig.process = None
    return status, pipe, said


def words(pipe, said):
    equal(pipe.wait(timeout=60), 0)
    said.seek(0)
    return said.read().decode(errors="replace")


def attempt(rig):
    """Plugs the camera in again; what came of it, not of an attempt that an earlier stop cut."""
    rig.control("power-cycle 1 hold")

    def there():
        slot = rig.slots()[0]
        return slot if slot["state"] in RESTING and slot["code"] != "station-stopped" else None
    return until(there, "the camera rests")


def crowd(rig, size):
    """One start on a disk with room for size bytes per file; True when it served."""
    status, pipe, said = limited(rig, size)
    if status is not None:
        text = words(pipe, said)
        last = [line for line in text.splitlines() if line.startswith("stationd: ")]
        equal((status, len(last)), (1, 1), f"{size}: {text}")
        _, code, sentence = last[0].split(": ", 2)
        equal(code in ("journal-failed", "file-failed"), True, last[0])
        equal(len(sentence) > 20, True, last[0])
        return False
    until(lambda: len(rig.slots()) == 1, "the camera is there")
    slot = attempt(rig)
    view = rig.rest("/station")
    if slot["state"] == "passed":
        with rig.database() as db:
            equal(db.execute("SELECT verdict FROM attempts ORDER BY id DESC LIMIT 1").fetchone(), ("PASS",), f"{size}")
    else:
        equal((slot["state"] in ("unrecorded", "refused", "error"), view["state"]), (True, "held"), f"{size}: {slot}")
    equal(rig.stop(), 0, f"{size}: exit status")
    words(pipe, said)
    return True


@test
def full_at_start():
    """a state folder on a full disk: one line that says what is wrong and exit 1, or held; green only what is recorded"""
    with Rig(start=False, speed="50", program="already_passed = allow") as rig:
        for size in (0, 1, 512, 4096, 32768):  # not even an empty journal fits
            equal(crowd(rig, size), False, f"{size} bytes are enough")
        rig.prepare(files=FILES)
        served = [size for size in (0, 1, 4096, 32768, 65536, 98304, 131072, 196608, 1 << 20) if crowd(rig, size)]
        equal((0 in served, 1 << 20 in served), (False, True), f"served with {served}")
        rig.start(mode="run")
        until(lambda: len(rig.slots()) == 1, "the camera is there")
        equal(attempt(rig)["state"], "passed", "with room again")


test.main()
