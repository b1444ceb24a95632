"""Recipes: the station's judgement against the same hash passes made bare, in one process."""
import json
import os
import random
import subprocess
import tempfile

from bench import BUILD, CTL, ROUNDS, tree


def big_tree(folder):
    noise = random.Random(1)
    return tree(folder, {f"d{i % 40}/f{i}.bin": noise.randbytes(8192) for i in range(2000)})


def recipes(bench):
    with tempfile.TemporaryDirectory(dir="build") as work:
        big_tree(f"{work}/tree")
        os.mkdir(f"{work}/trust")
        subprocess.run(["minisign", "-G", "-W", "-p", f"{work}/trust/k.pub", "-s", f"{work}/k"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([CTL, "recipe", "build", "-b", "openmv-n6", "-n", "big", "-v", "1", "-o", f"{work}/plain",
                        f"ROMFS0={work}/tree"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([CTL, "recipe", "sign", "-k", f"{work}/k", f"{work}/plain", "-o", f"{work}/img"], check=True,
                       stdout=subprocess.DEVNULL)
        got = json.loads(subprocess.run([f"{BUILD}/bench/intake", f"{work}/img", f"{work}/trust", "fixtures/boards",
                                         str(10 * ROUNDS)], check=True, capture_output=True).stdout)
        what = f"recipe intake, {got['bytes'] / (1 << 20):.0f} MiB, {got['files']} files"
        bench.row(what, got["ours"], got["bare"], "the same hash passes, bare", "ms", 1.15)
        bench.limit(what + ", processor time", got["cpu"], "ms", 60)


ROWS = [("recipe", recipes)]
