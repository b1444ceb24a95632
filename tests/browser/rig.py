#!/usr/bin/env python3
"""The line behind the browser tests: obeys JSON lines [METHOD, ARGUMENT...] on stdin with one JSON line each, an object
with either `is` or `error`.  Methods are those of the whole-line tests' Rig, and those here."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "line"))
from harness import Rig, payload, until  # noqa: E402
from test_mes import Mes  # noqa: E402

ROLES = ("operator", "supervisor", "qa", "integrator", "admin")


class Line(Rig):
    token = None  # where a login is wanted

    def rest(self, *words, **more):
        if self.token:
            more["headers"] = {**(more.get("headers") or {}), "Authorization": f"Bearer {self.token}"}
        return super().rest(*words, **more)

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
        self.find_token()
        self.add_people()
        return self.url

    def find_token(self):
        with open(os.path.join(self.state, "local.token")) as f:
            self.token = f.read().strip()

    def add_people(self):
        for role in ROLES:
            self.rest("/people", {"name": f"{role[:2]}-person", "role": role, "badge": f"badge-of-{role}",
                                  "pin": f"pin-of-{role}"}, "POST")

    def floor(self):
        """A station with all that a shift may meet: logins, an MES that is told and asked, serials by scanner, MAC
        numbers from a pool, a label printer, a challenge unit; its cameras run."""
        self.mes = Mes().start()
        self.options += self.mes.options()
        self.start(mode="run")
        self.sha = self.upload(self.recipe())
        self.add_people()
        uids = [c["uid"] for c in self.control("state")["cameras"]]
        self.stop()
        challenge, printer = (os.path.join(self.work, name) for name in ("challenge.json", "print"))
        with open(challenge, "w") as f:
            json.dump({"units": [{"uid": uids[2], "verdict": "PASS", "code": "ok"}]}, f)
        with open(printer, "w") as f:
            f.write(f'#!/bin/sh\ntest -e {self.work}/broken && {{ echo "no paper" >&2; exit 3; }}\necho "$@" >> {self.work}/labels\n')
        os.chmod(printer, 0o755)
        ask = f"interlock_url = http://127.0.0.1:{self.mes.port}/permit\ninterlock = refuse\ndeadline = 60"
        with open(self.config, "a") as f:
            f.write(f"[people]\nlogin = required\n{self.mes.conf(ask)}[numbers]\nserial = scan\nmac = pool\n"
                    f"[label]\ncommand = {printer} {{serial}} {{mac}}\n[shift]\nchallenge = {challenge}\n")
        self.start(mode="run")
        self.find_token()
        return {"url": self.url, "uids": uids}

    def labels(self):
        with open(os.path.join(self.work, "labels")) as f:
            return f.read().splitlines()

    def printer(self, works):
        path = os.path.join(self.work, "broken")
        if works:
            os.unlink(path)
        else:
            open(path, "w").close()

    def mes_answers(self, allow, message=None):
        """What the interlock says from now on."""
        said = {"message": message} if message else {}
        self.mes.answer = lambda question: {"uid": question["uid"], "allow": allow, **said}

    def mes_rule(self, kind, how):
        """What events of that kind meet; None: they are taken."""
        with self.mes.lock:
            self.mes.rules = {kind: how} if how else {}

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
        until(lambda: (lambda slot: slot["kind"] == "deploy" and slot["state"] == "passed")(self.slots()[0]), "it is deployed")
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
