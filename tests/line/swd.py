#!/usr/bin/env python3
"""Cameras behind debug probes: the same journey over SWD, by an OpenOCD of each slot's own."""
import os
import signal
import time

from harness import Refused, Tests, equal, payload, until
from swd_rig import SwdRig

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


if __name__ == "__main__":
    test.main()
