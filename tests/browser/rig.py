#!/usr/bin/env python3
"""The line behind the browser tests: obeys JSON lines [METHOD, ARGUMENT...] on stdin with one JSON line each, an object
with either `is` or `error`.  Methods are those of the whole-line tests' Rig, and those here."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "line"))
from harness import Rig, payload, until  # noqa: E402


class Line(Rig):
    def find(self):
        return self.url

    def begin(self, quantity=100, *faults):
        """A station with a recipe and an open batch, and no camera yet; then the cameras come."""
        self.prepare(quantity)
        path = os.path.join(self.work, "faults")
        with open(path, "w") as f:
            f.write("".join(f"{spec}\n" for spec in faults))
        self.start(options=("--faults", path))
        return self.url

    def again(self, cameras=None):
        """Starts anew at the same address, so that an open page finds it."""
        self.start(cameras=cameras, options=("--listen", self.url[len("http://"):]))
        return self.url

    def bench(self):
        """A stored recipe, and a camera that waits in its bootloader in a disabled slot; what the page must show."""
        self.start(cameras=0)
        files = {"main.py": b"print('hello')\n" * 40, "lib/a.py": b"x = 1\n", "model.tflite": bytes(range(250)) * 240}
        self.signed = self.recipe(files=files)
        self.sha = self.upload(self.signed)
        self.stop()
        self.start(mode="run")
        until(self.slots, "the camera is there")
        self.rest("/slots/1/disable", {}, "POST")
        self.wait_in_bootloader()
        image = payload(self.signed)
        record = b"\x0cmodel.tflite\x02\x04abcd"
        body = b"\x05" + bytes([len(record)]) + record
        skewed = b"\xd2\xcd\x31" + bytes([len(body)]) + body
        return {"url": self.url, "image": image.hex(), "skewed": skewed.hex(), "rows": len(files) + 1}

    def unsigned_and_signed(self):
        """A station without any recipe and camera, and a recipe in two files."""
        self.start(cameras=0)
        return {"url": self.url, "signed": self.recipe(), "unsigned": os.path.join(self.work, "app-1.0.0.unsigned")}

    def cameras_come(self, *faults):
        """The same station anew, at another address, with its cameras."""
        self.stop()
        path = os.path.join(self.work, "faults")
        with open(path, "w") as f:
            f.write("".join(f"{spec}\n" for spec in faults))
        self.start(options=("--faults", path))
        return {"url": self.url}

    def people(self, more):
        """A station that wants a login, with one of each role: a badge and a PIN made of the name."""
        with open(self.config, "a") as f:
            f.write(more)
        self.start()
        with open(os.path.join(self.state, "local.token")) as f:
            token = f.read().strip()
        for role in ("operator", "supervisor", "qa", "integrator", "admin"):
            self.rest("/people", {"name": f"{role[:2]}-person", "role": role, "badge": f"badge-of-{role}",
                                  "pin": f"pin-of-{role}"}, "POST", headers={"Authorization": f"Bearer {token}"})
        return self.url

    def wait_in_bootloader(self):
        self.control("power-cycle 1 hold")
        until(lambda: self.slots()[0]["camera"] == "bootloader", "the camera is in its bootloader")

    def deployed(self):
        """A unit that passed in a batch, and was deployed to afterwards."""
        self.open_batch(self.sha)
        self.control("plug 1 run")
        until(lambda: self.slots()[0]["camera"] == "run", "the camera is back")
        self.rest("/slots/1/enable", {}, "POST")
        self.control("power-cycle 1 hold")
        uid = self.wait_slot(1, {"passed"})["uid"]
        self.rest("/slots/1/disable", {}, "POST")
        other = self.upload(self.recipe(name="other", files={"main.py": b"print(2)\n"}))
        self.wait_in_bootloader()
        self.rest("/slots/1/deploy", {"recipe": other}, "POST")
        until(lambda: self.slots()[0]["kind"] == "deploy" and self.slots()[0]["state"] == "passed", "it is deployed")
        return uid

    def kill(self):
        """The daemon dies as in a power cut, and the line with it."""
        pid = self.station_pid()
        os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=60)
        self.process = None


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tools print is no answer
    lines = {}
    try:
        for text in sys.stdin:
            name, method, *words = json.loads(text)
            try:
                if method == "new":
                    lines[name] = Line(start=False, **words[0])
                    got = None
                elif method == "end":
                    lines.pop(name).__exit__(None, None, None)
                    got = None
                else:
                    got = getattr(lines[name], method)(*words)
                answer = {"is": got if not isinstance(got, set) else sorted(got)}
            except Exception as error:  # the browser's test is what fails
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer, default=str), file=out, flush=True)
    finally:
        for line in lines.values():
            line.stop()


main()
