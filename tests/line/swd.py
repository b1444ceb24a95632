#!/usr/bin/env python3
"""Cameras behind debug probes: the same journey over SWD, by an OpenOCD of each slot's own."""
import glob
import json
import os
import signal
import subprocess

from harness import Tests, equal, payload, until
from nest_rig import MixedRig, SwdRig, passes

test = Tests()
BIG = {"main.py": b"print(1)\n", "data.bin": os.urandom(600000)}


def one_camera(**options):
    with SwdRig(start=False, **options) as rig:
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe()))
        rig.plug(1)
        attempt = passes(rig)
        equal((attempt["transport"], attempt["proof"], attempt["usb_serial"]), ("swd", "core", None))
        region = attempt["regions"][0]
        want = (region["crc32"], region["files"]) if options.get("driver") != "stock" else (None, None)
        equal((region["crc32_core"], region["files_core"]), want)
        return attempt


@test
def stock():
    """OpenOCD's own drivers: a camera in its nest is programmed, read back, proved, restarted and seen to run"""
    one_camera(driver="stock")


@test
def agent():
    """the agent in the camera's RAM does the same, and says itself what it mounts"""
    one_camera()


def mixed(board, partition, **options):
    """Two cameras, one recipe, one batch: the first over DFU, the second over SWD."""
    with MixedRig(nests={2}, board=board, **options) as rig:
        path, _, _ = rig.prepare()
        rig.start(mode="hold")
        one, two = passes(rig, 1), passes(rig, 2)
        equal([a["transport"] for a in (one, two)], ["dfu", "swd"])
        equal(one["proof"], two["proof"])
        for key in ("partition", "length", "crc32", "crc32_read", "sha256_read", "files"):
            equal(one["regions"][0][key], two["regions"][0][key], key)
        want = payload(path, partition)
        equal(rig.dump(1, partition)[:len(want)], want)
        equal(rig.dump(1, partition), rig.dump(2, partition), "the two cameras")


@test
def both_ways():
    """the same recipe over DFU and over SWD, in one batch, leaves equal cameras and equal proofs"""
    mixed("openmv-h7-plus", "ROMFS0")


def by_the_core(mode):
    with SwdRig(start=False, program=f"swd_readback = {mode}") as rig:
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe(files=BIG)))
        rig.plug(1)
        attempt = passes(rig)
        region, steps = attempt["regions"][0], {s["step"]: s for s in attempt["steps"]}
        equal((region["crc32_read"], region["sha256_read"], region["files"]), (None, None, None), "nothing is said to be read")
        equal((region["crc32_core"], region["files_core"]), (region["crc32"], len(BIG)))
        return int(steps["read-back"]["bytes"]), region["length"]


@test
def sampled():
    """swd_readback = sampled: some units over the wire, the rest by the camera's word; none: that alone"""
    read, length = by_the_core("sampled")
    equal(0 < read < length / 2, True, f"{read} of {length} bytes")
    equal(by_the_core("none")[0], 0)


def struck(strike, times, code, **options):
    """In nest 1 its OpenOCD is struck while it writes, `times` times; nest 2 is left alone."""
    with SwdRig(cameras=2, start=False, speed="4", khz=4000, **options) as rig:
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe(files=BIG)))
        rig.plug(1)
        rig.plug(2)
        struck_pids = set()
        for _ in range(times):
            def writing():
                slot = rig.slots()[0]
                pid = rig.openocd(1)
                return pid if slot["step"] == "written" and slot["done_bytes"] and pid not in struck_pids else None
            pid = until(writing, "nest 1 is written to")
            struck_pids.add(pid)
            os.kill(pid, strike)
        slot = rig.wait_slot(1, {"passed", "error", "failed"})
        equal(slot["code"], code, slot["message"])
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal(attempt["retries"], min(times, 1), "retries")
        other = passes(rig, 2)
        equal(other["retries"], 0, f"retries of the neighbour: {rig.said('level=warning slot=2')}")
        for pid in struck_pids:
            equal(os.path.exists(f"/proc/{pid}"), False, "what was struck is reaped")
        equal([c for c in rig.children() if c[1] == "Z"], [], "zombies")


@test
def killed_once():
    """OpenOCD is killed while it writes: the attempt goes on with a new one"""
    struck(signal.SIGKILL, 1, "ok")


@test
def killed_twice():
    """killed again: swd-lost, the neighbour passes, nobody is left unreaped"""
    struck(signal.SIGKILL, 2, "swd-lost")


@test
def stopped_twice():
    """OpenOCD stands still: its deadline ends it by force; twice: probe-stalled"""
    struck(signal.SIGSTOP, 2, "probe-stalled")


def with_impostor(script, code):
    """What is called openocd says something else, once a camera is there."""
    with SwdRig(start=False) as rig:
        folder = os.path.join(rig.work, "bin")
        flag = os.path.join(rig.work, "flag")
        os.mkdir(folder)
        with open(f"{folder}/openocd", "w") as f:
            f.write(f'#!/bin/sh\ncase "$*" in *look.dap*) ;; *) [ ! -e {flag} ] || {{ {script}; }} ;; esac\n'
                    'exec /usr/bin/openocd "$@"\n')
        os.chmod(f"{folder}/openocd", 0o755)
        rig.wrap = ("env", f"PATH={folder}:{os.environ['PATH']}")
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe()))
        with open(flag, "w"):
            pass
        rig.plug(1)
        slot = rig.wait_slot(1, {"passed", "error", "failed"})
        equal(slot["code"], code, slot["message"])
        os.unlink(flag)
        rig.rest("/slots/1/retry", method="POST")
        passes(rig)


@test
def garbage():
    """its answers make no sense: swd-protocol, and a retry passes once they do"""
    with_impostor("echo; cat /dev/zero", "swd-protocol")
    with_impostor("printf 'what?\\032'; sleep 60", "swd-protocol")


@test
def silent():
    """it never answers: probe-stalled"""
    with_impostor("exec sleep 60", "probe-stalled")


@test
def comes_and_goes():
    """a camera that is taken out of its nest leaves; in the next one's attempt nothing is known of it"""
    with MixedRig(nests={1}, cameras=1, usb=False) as rig:
        rig.prepare()
        rig.start(mode="hold")
        first = passes(rig)
        rig.control("unplug 1")
        equal(rig.wait_slot(1, {"empty"})["camera"], None)
        rig.control("plug 1")
        equal(rig.wait_slot(1, {"refused"})["code"], "already-passed")
        equal(first["proof"], "core")


@test
def wrong_board():
    """another chip than the nest is built for is refused; nothing was halted or written"""
    with SwdRig(start=False) as rig:
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe()))
        rig.plug(1, board="openmv-m7")
        slot = rig.wait_slot(1, {"refused", "error", "failed"})
        equal((slot["state"], slot["code"]), ("refused", "wrong-board"), slot["message"])


@test
def sixteen():
    """sixteen nests on two cores, one OpenOCD each: all pass, none is left over"""
    # a loaded machine lets an OpenOCD miss its deadline now and then; that is not what this is about
    with SwdRig(cameras=16, start=False, speed="instant", program="retries = 5") as rig:
        rig.start(cameras=0)
        rig.open_batch(rig.upload(rig.recipe()))
        for number in range(1, 17):
            rig.plug(number)
            until(lambda: rig.slots()[number - 1]["state"] not in ("empty", "plugged"), f"nest {number} is taken up")
        for number in range(1, 17):
            passes(rig, number)
        equal(len({s["uid"] for s in rig.slots()}), 16)
        equal([c for c in rig.children() if c[1] == "Z"], [], "zombies")


@test
def configurations():
    """every target configuration is taken by OpenOCD, with what the station calls defined"""
    boards = [json.load(open(path)) for path in sorted(glob.glob("fixtures/boards/*.json"))]
    for config in sorted({b["swd"]["config"] for b in boards}):
        done = subprocess.run(
            ["openocd", "-d1", "-s", "fixtures/openocd", "-c",
             "tcl_port disabled; gdb_port disabled; telnet_port disabled; adapter driver st-link; transport select dapdirect_swd",
             "-f", config, "-c", "info body romline_prepare; noinit; shutdown"], capture_output=True, text=True)
        equal(done.returncode, 0, f"{config}: {done.stderr}")


def told(rig):
    """{slot: (code, message)} of the troubles of nests that the journal has."""
    with rig.database() as db:
        rows = [json.loads(b) for b, in db.execute("SELECT body FROM journal WHERE kind = 'station-event'")]
    return {r["slot"]: (r["code"], r["message"]) for r in rows if r["code"]}


@test
def probes_on_usb():
    """a probe's USB path becomes vendor, product and serial by sysfs; nothing there, something else, two alike: each its code"""
    # cameras stand in for probes: what matters here is who is found at which path
    probes = [("st-link", "1-1.8"), ("st-link", "1-1.1"), ("cmsis-dap", "1-1.2"), ("cmsis-dap", "1-1.4")]
    with MixedRig(nests=set(), cameras=4) as rig:
        faults = os.path.join(rig.work, "faults")
        with open(faults, "w") as f:
            f.write("camera=3 at=enumerate do=uid-of:2\n")
        with open(os.path.join(rig.work, "line.json"), "w") as f:
            json.dump({"slots": [{"slot": n, "name": f"nest {n}", "probe": {
                "driver": driver, "path": path, "board": "openmv-h7-plus", "khz": 4000}}
                for n, (driver, path) in enumerate(probes, 1)]}, f)
        rig.start(mode="hold", options=["--faults", faults])

        until(lambda: set(told(rig)) >= {1, 2, 3, 4}, "each nest's trouble is told")
        got = told(rig)
        equal([got[n][0] for n in range(1, 5)], ["probe-missing", "probe-wrong", "probe-duplicate", "probe-missing"])
        equal("unable to find a matching CMSIS-DAP device" in got[4][1], True, got[4][1])


@test
def twin_probes():
    """two probes with one serial: both nests are refused, nothing is written there, a third passes; each its own: all pass"""
    with MixedRig(nests={1, 2, 3}, cameras=3, probe="cmsis-dap") as rig:
        path, _, _ = rig.prepare()
        faults = os.path.join(rig.work, "faults")
        with open(faults, "w") as f:
            f.write("camera=2 at=probe do=uid-of:1\n")
        rig.start(mode="hold", options=["--faults", faults])
        passes(rig, 3)
        until(lambda: all(told(rig).get(n, "-")[0] == "probe-duplicate" for n in (1, 2)), "both are told of")
        equal([f["fired"] for f in rig.control("state")["faults"]], [1])
        equal([(s["state"], s["attempt"]) for s in rig.slots()[:2]], [("empty", None)] * 2)
        empty = rig.dump(1, "ROMFS0")[:4096]
        equal(rig.dump(2, "ROMFS0")[:4096], empty, "what the factory left")
        rig.control("power-cycle 2 hold")
        for number in (1, 2):
            passes(rig, number)
            want = payload(path)
            equal(rig.dump(number, "ROMFS0")[:len(want)], want)


@test
def hybrid():
    """a board whose flash only DFU reaches: the probe asks for the bootloader, the rest goes over USB in the same attempt"""
    def change(board):
        board["swd"]["hybrid"] = bool(board["bootloader"])
    with MixedRig(nests={1}, cameras=1, boards=change) as rig:
        rig.prepare()
        rig.start(mode="run")
        attempt = passes(rig)
        equal((attempt["transport"], attempt["proof"], attempt["retries"]), ("swd+dfu", "run-serial", 0))
        equal(attempt["regions"][0]["crc32_core"], None)


if __name__ == "__main__":
    test.main()
