"""A station whose slots have debug probes, each in front of a virtual core of its own; no USB."""
import glob
import json
import os
import socket
import subprocess
import time

from harness import BUILD, STATION_BUILD, Rig, equal, until

# A line has a network of its own, so its probes may be at the same ports as every other line's.
NEST_PORT = 7184


def free_ports(count, begun=[os.getpid() * 64]):
    """Ports of 127.0.0.1 that nobody has: below those that the kernel gives to whoever asks for any, and each process
    begins to look at a place of its own, so that suites which run at once do not meet between here and the use."""
    ports = []
    while len(ports) < count:
        begun[0] += 1
        port = 12000 + begun[0] % 20000
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                ports.append(port)
            except OSError:
                pass
    return ports


def passes(rig, number=1):
    """The attempt in that slot, once it has passed."""
    slot = rig.wait_slot(number, {"passed", "failed", "error", "refused", "unrecorded"})
    equal((slot["state"], slot["code"]), ("passed", "ok"), slot["message"])
    return rig.rest(f"/attempts/{slot['attempt']}")


class SwdRig(Rig):
    def __init__(self, board="openmv-h7-plus", cameras=1, program="", driver="agent", speed="50", flash="factory", khz=24000,
                 start=True, nests=None, return_ms=None, scripts="fixtures/openocd"):
        """nests: the board of each slot, where it is not `board`."""
        super().__init__(board=board, cameras=cameras, program=f"swd_driver = {driver}\n{program}", start=False, speed=speed,
                         return_ms=return_ms)
        self.flash, self.cores, self.boards, self.khz = flash, {}, nests or [board] * cameras, khz
        self.ports = free_ports(len(self.boards))
        line = os.path.join(self.work, "line.json")
        with open(line, "w") as f:
            json.dump({"slots": [{"slot": n, "name": f"nest {n}", "probe": {
                "driver": "st-link", "port": port, "board": nest, "khz": khz}}
                for n, (port, nest) in enumerate(zip(self.ports, self.boards), 1)]}, f)
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(text.replace("line = auto\n", f"line = {line}\nopenocd = {os.path.abspath(scripts)}\n")
                    + "[http]\nlisten = 127.0.0.1:0\n")
        if start:
            self.start()

    def core_options(self):
        """What each virtual core is told besides."""
        return []

    def plug(self, number, board=None, flash=None, uid_of=None):
        """A camera is put into nest `number`."""
        with open(os.path.join(self.work, "log"), "ab") as log:
            self.cores[number] = subprocess.Popen(
                [f"{BUILD}/virtual-core", "--board", board or self.boards[number - 1], "--flash", flash or self.flash, "--number",
                 str(uid_of or number), "--listen", f"127.0.0.1:{self.ports[number - 1]}", "--speed", self.speed,
                 *self.core_options()], stdout=log, stderr=log)

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.ports[number - 1])) == 0
        until(lambda: self.cores[number].poll() is not None or listens(), f"core {number} listens")
        equal(self.cores[number].poll(), None, f"core {number} ended")

    def unplug(self, number):
        """Probe and camera are gone."""
        core = self.cores.pop(number)
        core.kill()
        core.wait()

    def start(self, cameras=None, **_):
        for number in range(1, (len(self.boards) if cameras is None else cameras) + 1):
            if number not in self.cores:
                self.plug(number)
        address = os.path.join(self.state, "http.address")
        if os.path.exists(address):
            os.unlink(address)
        with open(os.path.join(self.work, "log"), "ab") as log:
            self.process = subprocess.Popen([*self.wrap, f"{STATION_BUILD}/stationd", "-c", self.config], stdout=log, stderr=log,
                                            start_new_session=True)
        until(lambda: self.process.poll() is not None or os.path.exists(address), "the station listens")
        if self.process.poll() is not None:
            raise AssertionError(f"the station ended with {self.process.returncode}")
        self.find_url()

    def stop(self):
        status = super().stop()
        for number in list(self.cores):
            self.unplug(number)
        return status

    def said(self, what):
        """The lines of the station's log with these words."""
        with open(os.path.join(self.work, "log"), errors="replace", encoding="utf-8") as f:
            return [line.rstrip() for line in f if what in line]

    def openocd(self, number):
        """The pid of the OpenOCD that works in that nest now, None: none does."""
        for pid, state, name in self.children():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read()
            except OSError:
                continue
            if state != "Z" and name == "openocd" and f"tcp {self.ports[number - 1]};".encode() in words:
                return pid
        return None

    def children(self):
        """The station's own children: (pid, state, first word)."""
        station = self.station_pid()
        return [(pid, state, name) for pid, (parent, state, name) in processes().items() if parent == station]


def lay_out(rig, nests, boards, usb=True, khz=24000, port=NEST_PORT, probe="st-link"):
    """Gives a rig that has not started a line file: a place for each of `boards`; those in `nests` have a probe, and their USB
    path too if `usb`."""
    line = os.path.join(rig.work, "line.json")

    def slot(n, board):
        hub, at = (n - 1) // 8 + 1, (n - 1) % 8 + 1
        path, place = {"path": f"1-{hub}.{at}"}, {"port": port + n - 1} if probe == "st-link" else {"path": f"1-{hub + 7}.{at}"}
        nest = {"probe": {"driver": probe, **place, "board": board, "khz": khz}}
        return {"slot": n, "name": f"place {n}", **({**nest, **(path if usb else {})} if n in nests else path)}
    with open(line, "w") as f:
        json.dump({"slots": [slot(n, board) for n, board in enumerate(boards, 1)]}, f)
    with open(rig.config) as f:
        text = f.read()
    with open(rig.config, "w") as f:
        f.write(text.replace("line = auto\n", f"line = {line}\nopenocd = {os.path.abspath('fixtures/openocd')}\n"))


class MixedRig(Rig):
    """A virtual line whose cameras all have a probe and USB; the slots in `nests` use the probe."""

    def __init__(self, nests, board="openmv-h7-plus", cameras=2, usb=True, khz=24000, driver="agent", program="", options=(),
                 probe="st-link", **more):
        super().__init__(board=board, cameras=cameras, start=False, program=f"swd_driver = {driver}\n{program}",
                         options=["--probe", probe, "--probe-port", str(NEST_PORT), *options], **more)
        lay_out(self, nests, (board.split(",") * cameras)[:cameras], usb, khz, probe=probe)


class ProbeRig(Rig):
    """A virtual line whose cameras have CMSIS-DAP probes on its USB; nest n is told of the probe of camera order[n - 1]."""

    def __init__(self, order=(1,), hid=False, usb=True, board="openmv-h7-plus", khz=10000, options=(), program="", **more):
        self.kind = "cmsis-dap-hid" if hid else "cmsis-dap"
        super().__init__(board=board, cameras=len(order), start=False, program=f"swd_driver = agent\n{program}",
                         options=["--probe", self.kind, *options], **more)
        line = os.path.join(self.work, "line.json")

        def slot(n, camera):
            probe = {"driver": "cmsis-dap", "path": f"1-8.{camera}", "board": board, "khz": khz}
            return {"slot": n, "name": f"nest {n}", "probe": probe, **({"path": f"1-1.{camera}"} if usb else {})}
        with open(line, "w") as f:
            json.dump({"slots": [slot(n, camera) for n, camera in enumerate(order, 1)]}, f)
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(text.replace("line = auto\n", f"line = {line}\nopenocd = {os.path.abspath('fixtures/openocd')}\n"))


def processes():
    """{pid: (parent, state, name)}"""
    found = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as f:
                head, tail = f.read().rsplit(")", 1)
        except OSError:
            continue
        found[int(path.split("/")[2])] = (int(tail.split()[1]), tail.split()[0], head.split("(", 1)[1])
    return found


def network(pid):
    """Which network namespace a process lives in: each virtual line has one of its own."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return None


def left_behind(rig):
    """What an OpenOCD left on a rig's line, whose slots rest: processes that nobody waits for, and those of OpenOCD that are
    not a child of the station that runs now.  A look at a nest comes and goes: what is there twice is there."""
    station = rig.station_pid()
    home = network(station)

    def look():
        return {pid: (parent, state, name) for pid, (parent, state, name) in processes().items()
                if (state == "Z" and parent == station) or
                (name.startswith(("openocd", "python")) and parent != station and network(pid) == home)}
    first = look()
    for _ in range(1200):
        if not first:
            break
        time.sleep(0.05)
        second = look()
        first = {pid: row for pid, row in first.items() if second.get(pid) == row}
    return first
