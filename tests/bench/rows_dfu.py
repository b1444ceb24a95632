"""One camera over DFU: against the shortest legal time; a virgin camera with and without comparing; a shared wire; and
what `stationctl plan` had foretold."""
import json
import subprocess

from bench import CTL, MIB, ROUNDS, Camera, Rig, contents, moment, quiet, step_end, wait_passed, worked
from harness import payload


def program(board, size, cameras=1, program="", options=()):
    """(attempts, image, recipe's forecast) of a fixture that starts with virgin cameras."""
    with quiet(Rig(board, cameras=cameras, start=False, speed="datasheet", program=program, options=options)) as rig:
        path, _, _ = rig.prepare(files=contents(size))
        words = ["--hub", "stt"] if "stt" in options else []
        foretold = json.loads(subprocess.run([CTL, "plan", "--json", "--slots", str(cameras), *words, path], check=True,
                                             capture_output=True).stdout)
        rig.start()
        return wait_passed(rig, cameras, 600, every=0.5), payload(path), foretold


def one_camera(bench):
    for board in ("openmv-h7-plus", "openmv-n6"):
        camera, ours, foretold, taken = Camera(board), [], [], []
        for _ in range(ROUNDS):
            [attempt], image, plan = program(board, 4 * MIB)
            ours.append(worked(attempt))
            foretold.append(plan["line"]["seconds"])
            taken.append(moment(attempt["ended_at"]) - moment(attempt["started_at"]))
        bench.row(f"one {board}, 4 MiB: compare, write, read back, prove", ours, [camera.shortest(image)],
                  "shortest legal time", "s", 1.03, mark=camera.mark)
        bench.row(f"one {board}, 4 MiB, plugged to PASS", taken, foretold, "stationctl plan", "s", 1.05, mark=camera.mark)


def virgin(bench):
    board, times = "openmv-h7-plus", {"auto": [], "no": []}
    for _ in range(ROUNDS):
        for delta, samples in times.items():
            [attempt], _, _ = program(board, MIB, program=f"delta = {delta}")
            samples.append(worked(attempt))
    bench.row(f"a virgin {board}, 1 MiB, delta = auto", times["auto"], times["no"], "delta = no", "s", 1.03,
              mark=Camera(board).mark)


def shared_wire(bench):
    board, cameras = "openmv-h7-plus", 8
    camera, ours, taken, foretold = Camera(board), [], [], []
    for _ in range(ROUNDS):
        attempts, image, plan = program(board, MIB, cameras, options=("--hub", "stt"))
        begin = min(moment(a["started_at"]) for a in attempts)
        ours.append(max(step_end(a, "proved") for a in attempts) - begin)
        taken.append(max(moment(a["ended_at"]) for a in attempts) - begin)
        foretold.append(plan["line"]["seconds"])
    wire = cameras * (camera.admission() + camera.wires(image))
    bench.row(f"eight {board} behind one translator, 1 MiB", ours, [wire], "that wire's own time", "s", 1.05,
              mark=camera.mark)
    bench.row(f"eight {board} behind one translator, plugged to PASS", taken, foretold, "stationctl plan", "s", 1.05,
              mark=camera.mark)


ROWS = [("dfu one", one_camera), ("dfu virgin", virgin), ("dfu stt", shared_wire)]
