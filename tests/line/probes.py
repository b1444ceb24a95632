#!/usr/bin/env python3
"""Whole attempts through CMSIS-DAP probes on USB, plugged to PASS: v2 (bulk pipes) and v1 (HID), chosen by their path, pulled
and stalled in the middle."""
import os

from harness import Tests, equal, payload
from nest_rig import ProbeRig, passes

test = Tests()
BIG = {"main.py": b"print(1)\n", "data.bin": os.urandom(300000)}


def two(hid):
    """Two nests whose probes are crossed: who takes the first probe for the first nest's takes the wrong camera."""
    with ProbeRig(order=(2, 1), hid=hid) as rig:
        path, _, _ = rig.prepare()
        rig.start(mode="hold")
        want = payload(path)
        uids = [rig.camera(n)["uid"] for n in (1, 2)]
        for nest, camera in ((1, 2), (2, 1)):
            attempt = passes(rig, nest)
            equal((attempt["uid"], attempt["transport"], attempt["proof"], attempt["retries"]),
                  (uids[camera - 1], "swd", "run-serial", 0))
            region = attempt["regions"][0]
            equal((region["crc32_read"], region["crc32_core"]), (region["crc32"], region["crc32"]))
            equal(rig.dump(camera, "ROMFS0")[:len(want)] == want, True, f"camera {camera}")


def troubles(hid, block):
    """At that block, which falls into the writing, nest 1's probe stalls: a new OpenOCD goes on.  Nest 2's is pulled: ERROR, and
    well again with power."""
    with ProbeRig(order=(1, 2), hid=hid, usb=False, speed="20") as rig:
        path, _, _ = rig.prepare(files=BIG)
        faults = os.path.join(rig.work, "faults")
        with open(faults, "w") as f:
            f.write(f"camera=1 at=swd nth={block} do=stall\ncamera=2 at=swd nth={block} do=unplug\n")
        rig.start(mode="hold", options=["--faults", faults])
        slot = rig.wait_slot(2, {"passed", "failed", "error", "refused"})
        equal((slot["state"], slot["code"]), ("error", "probe-missing"), slot["message"])
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal((attempt["retries"], "compared" in [s["step"] for s in attempt["steps"]]), (1, True), attempt)
        equal(passes(rig, 1)["retries"], 1, "after the stall")
        rig.control("power-cycle 2 hold")
        rig.control("wait 2 boot 60000")
        rig.rest("/slots/2/retry", method="POST")
        again = passes(rig, 2)
        equal((again["retries"], again["proof"]), (0, "core"))
        want = payload(path)
        equal([rig.dump(n, "ROMFS0")[:len(want)] == want for n in (1, 2)], [True, True])
        equal([rig.camera(n)["fired"] for n in (1, 2)], [1, 1])


@test
def bulk():
    """CMSIS-DAP v2: two probes, each nest's by its USB path; both cameras pass, each with its own bytes"""
    two(hid=False)


@test
def bulk_in_trouble():
    """CMSIS-DAP v2: a probe that stalls costs a retry; one that is pulled ends in probe-missing, and passes when it is back"""
    troubles(hid=False, block=300)


@test
def hid():
    """CMSIS-DAP v1: the same over hidraw, which OpenOCD falls back to by itself"""
    two(hid=True)


@test
def hid_in_trouble():
    """CMSIS-DAP v1: stalled and pulled as well"""
    troubles(hid=True, block=6000)


if __name__ == "__main__":
    test.main()
