#!/usr/bin/env python3
"""Cameras behind debug probes: the same journey over SWD, by an OpenOCD of each slot's own."""
import os
import signal
import time

from harness import Refused, Tests, equal, payload, until
from swd_rig import SwdRig

test = Tests()


@test
def stock():
    """OpenOCD's own drivers: a camera in its nest is programmed, read back, proved, restarted and seen to run"""
    with SwdRig(driver="stock", start=False) as rig:
        rig.start(cameras=0)
        sha = rig.upload(rig.recipe())
        rig.open_batch(sha)
        rig.plug(1)
        slot = rig.wait_slot(1, {"passed", "failed", "error", "refused"})
        equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
        attempt = rig.rest(f"/attempts/{slot['attempt']}")
        equal((attempt["transport"], attempt["proof"], attempt["usb_serial"]), ("swd", "core", None))


if __name__ == "__main__":
    test.main()
