#!/usr/bin/env python3
"""Cameras behind debug probes: the same journey over SWD, by an OpenOCD of each slot's own."""
import os
import signal
import time

from harness import Refused, Tests, equal, payload, until
from swd_rig import MixedRig, SwdRig

test = Tests()


def passes(rig, number=1):
    slot = rig.wait_slot(number, {"passed", "failed", "error", "refused", "unrecorded"})
    equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
    return rig.rest(f"/attempts/{slot['attempt']}")


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


if __name__ == "__main__":
    test.main()
