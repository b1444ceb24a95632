"""64 cameras at once: against one of them, against dfu-util at once and one by one; CPU; one unit in a hundred changed;
memory."""
import tempfile

from bench import (MIB, Camera, Rig, contents, cpu, dfu_util, moment, peak_mib, quiet, step, step_end, wait_passed,
                   worked)
from harness import payload

BOARD = "openmv-h7-plus"
MANY = 64
ONE_BY_ONE = 4  # measured, and counted MANY / ONE_BY_ONE times
FULL = 8 * MIB - 128 * 1024  # with the commit unit this fills ROMFS0


def plugged_to_proof(attempts):
    """Seconds of each, counted from the first one's plugging in."""
    begin = min(moment(a["started_at"]) for a in attempts)
    return [step_end(a, "proved") - begin for a in attempts]


def one(rig):
    """One camera with the whole image; then the same camera with two of its 128 units changed."""
    path, _, batch = rig.prepare(files=contents(FULL))
    rig.start()
    [full] = wait_passed(rig, 1, 600)
    rig.rest(f"/batches/{batch}/close", {}, "POST")
    changed = rig.recipe(version="1.0.1", files=contents(FULL, (2 * MIB, 6 * MIB)))
    rig.open_batch(rig.upload(changed), order="WO-2")
    rig.control("power-cycle 1 hold")
    rig.wait_slot(1, {"compared"}, 60)
    [again] = wait_passed(rig, 1, 600)
    return payload(path), full, again


def many(bench):
    camera = Camera(BOARD)
    with quiet(Rig(BOARD, start=False, speed="datasheet")) as rig:
        image, full, again = one(rig)
    alone = plugged_to_proof([full])
    with quiet(Rig(BOARD, cameras=MANY, start=False, speed="datasheet")) as rig:
        rig.prepare(files=contents(FULL))
        rig.start()
        attempts = wait_passed(rig, MANY, 1200, every=2)
        used = cpu(rig.station_pid())
    together = plugged_to_proof(attempts)
    name = f"{len(image) / MIB:.1f} MiB"
    bench.row(f"{MANY} {BOARD} at once, {name}, each on its own wire", together, alone, "one of them", "s", 1.10,
              mark=camera.mark, take=max)
    bound = 0.10 * worked(full) + 2 * step(full, "read-back")["ms"] / 1e3
    bench.row(f"{BOARD} again, 2 of {camera.units} units changed", [worked(again)], [bound],
              "0.10 x full + 2 x read-back", "s", 1.0, mark=camera.mark)
    with tempfile.TemporaryDirectory() as work:
        peer = dfu_util(camera, BOARD, image, work, MANY)
        serial = dfu_util(camera, BOARD, image, work, ONE_BY_ONE, together=False)
    bench.row(f"{MANY} {BOARD}, {name}, all at once", together, peer["each"], "dfu-util -D -U, all at once", "s", 1.1,
              "faster", mark=camera.mark, take=max, take_other=max)
    bench.row(f"{MANY} {BOARD}, {name}", together, [MANY * s for s in serial["each"]],
              f"dfu-util, one by one ({ONE_BY_ONE} measured)", "s", 50, "faster", mark=camera.mark, take=max)
    mib = MANY * len(image) / MIB
    bench.row("CPU per MiB, the same work", [1e3 * used / mib],
              [1e3 * peer["cpu"] / mib, 1e3 * serial["cpu"] / (ONE_BY_ONE * len(image) / MIB)], "dfu-util", "ms", 0.5)


def memory(bench):
    with quiet(Rig("openmv-n6", cameras=MANY, start=False, speed="instant")) as rig:
        rig.prepare(files=contents(24 * MIB - 128 * 1024))
        rig.start()
        wait_passed(rig, MANY, 1200, every=2)
        bench.limit(f"memory, {MANY} openmv-n6 with 24 MiB images", [peak_mib(rig.station_pid())], "MiB", 512)


ROWS = [("many", many), ("many memory", memory)]
