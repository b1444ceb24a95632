#!/usr/bin/env python3
"""The virtual line's own language: what each verb does and refuses, that every fault fires and does what it says, and
what COMMAND gets: its socket, its way out, its new life, its status."""
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time

from dfu_util import LIMIT_S, Line, found, noise
from harness import BUILD, Tests, equal

test = Tests()
PAGE = 256  # one program operation of the N6's flash


def line(*options, boards="openmv-n6", mode="hold", **more):
    return Line(boards, "--mode", mode, "--windows", "0.1", *options, **more)


def write(rig, data, part="ROMFS0", extra=""):
    """Status of dfu-util."""
    return rig.run(f"dfu-util {extra} -a {part} -D {rig.file('image', data)}")


def fired(rig, number=1):
    return rig.camera(number)["fired"]


# ---- verbs ----

@test
def plugs_and_power():
    """unplug, plug, power-cycle, drop and restore: the camera goes and comes, with a new device number"""
    with line(cameras=9) as rig:
        first = rig.camera()["devnum"]
        rig.order("unplug 1")
        equal((rig.camera()["mode"], rig.camera()["plugged"]), ("off", False))
        rig.good("! test -e /sys/bus/usb/devices/1-1.1")
        rig.order("plug 1")
        rig.order("wait 1 boot 60000")
        equal(rig.camera()["devnum"] != first, True, "another number")
        rig.order("power-cycle 1 run")
        rig.order("wait 1 gone 60000")
        rig.order("wait 1 run 60000")
        rig.order("power-cycle 1")
        rig.order("wait 1 boot 60000")
        rig.order("unplug 2")
        rig.order("drop 1")
        equal([c["mode"] for c in rig.order("state")["cameras"]], ["off"] * 8 + ["hold"])
        rig.good("! test -e /sys/bus/usb/devices/1-1")
        rig.order("restore 1")
        rig.order("wait 8 boot 60000")
        equal(rig.camera(2)["mode"], "off", "what is unplugged stays so")


@test
def moves():
    """a camera moves to a free path of any hub, and its old path is free"""
    with line(cameras=2) as rig:
        rig.refused("move 1 1-1.2", "camera 2")
        rig.order("move 1 1-7.3")
        rig.order("wait 1 boot 60000")
        equal(rig.camera()["path"], "1-7.3")
        equal({r["path"] for r in found(rig.good("dfu-util -l"))}, {"1-7.3", "1-1.2"})
        rig.order("move 2 1-1.1")


@test
def contents():
    """dump gives a whole partition, load sets it; what is behind a shorter file is blank"""
    with line() as rig:
        equal(rig.dump("ROMFS0")[:4], b"\xd2\xcd\x31\x00")
        equal(len(rig.dump("ROMFS0")), 24 << 20)
        rig.order(f"load 1 ROMFS0 {rig.file('data', noise(100001))}")
        equal(rig.dump("ROMFS0")[:100010], noise(100001) + b"\xff" * 9)
        equal(rig.upload("ROMFS0")[:100001] == noise(100001), True, "over USB")
        rig.order(f"load 1 ROMFS0 {rig.file('data', b'xyz')}")
        equal(set(rig.dump("ROMFS0")[3:]), {255})
        rig.refused(f"load 1 FIRMWARE {rig.file('data', bytes((3584 << 10) + 1))}", "larger")
        rig.refused("dump 1 ROMFS0 /nowhere/file", "cannot write")
        rig.refused("load 1 ROMFS0 /nowhere/file", "cannot read")
        rig.refused("dump 1 NOTHING file", "no partition")


@test
def waits():
    """wait answers when the state is reached, or with a timeout; other connections go on meanwhile"""
    with line(mode="run") as rig:
        rig.refused("wait 1 boot 50", "timeout")
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(rig.control("wait 1 latched 60000")))
        waiter.start()
        rig.order("power-cycle 1 hold")
        rig.order("wait 1 boot 60000")
        equal(answers, [])
        rig.latch()
        waiter.join(LIMIT_S)
        equal(answers, ["ok"])


@test
def refuses_nonsense():
    """every wrong line gets one error and changes nothing"""
    wrong = ["", "bogus", "state 1", "plug", "plug 0", "plug 2", "plug x", "plug 1 fast", "plug 1", "unplug 9", "power-cycle 1 off",
             "move 1 2-1.1", "move 1 1-16.1", "move 1 1-1.9", "move 1 1-1", "move 1 1-1.1x", "drop 0", "drop 9", "restore 1",
             "restore 5", "wait 1 there 10", "wait 1 boot x", "wait 1 boot", "fault", "clear 7", "clear x", "load 1 ROMFS0",
             "x" * 3000]
    with line() as rig:
        before = rig.order("state")
        for text in wrong:
            rig.refused(text)
        equal(rig.order("state"), before)
        equal(rig.control("x" * 5000), "error the line is too long")


@test
def refuses_wrong_faults():
    """every wrong SPEC is refused with its reason"""
    wrong = {"at=dnload do=stall": "camera= is missing", "camera=1 do=stall": "at= is missing", "camera=1 at=dnload": "do= is missing",
             "camera=65 at=dnload do=stall": "camera", "camera=1 at=lunch do=stall": "unknown point",
             "camera=1 at=dnload do=dance": "unknown deed", "camera=1 at=dnload do=stall do=stall": "twice",
             "camera=1 at=dnload do=stall colour=red": "unknown key", "camera=1 at=dnload stall": "KEY=VALUE",
             "camera=1 at=open do=stall": "makes no sense", "camera=1 at=erase do=elsewhere:1": "makes no sense",
             "camera=1 at=dnload do=status": "needs a value", "camera=1 at=dnload do=stall:1": "takes nothing",
             "camera=1 at=dnload do=status:errNONE": "no DFU status", "camera=1 at=upload do=flip:1": "BYTE.BIT",
             "camera=1 at=upload do=flip:1.8": "bit", "camera=1 at=upload do=flip:4096.1": "byte", "camera=1 at=upload do=short:-1": "short",
             "camera=1 at=dnload nth=0 do=stall": "nth", "camera=1 at=dnload times=0 do=stall": "times",
             "camera=1 at=dnload block=65536 do=stall": "block", "camera=1 at=leave block=1 do=no-return": "knows no block",
             "camera=1 at=open partition=X do=eacces": "knows no partition", "camera=1 at=enumerate do=uid-of:0": "uid-of",
             "camera=1 at=leave do=other-path:1-1.9": "no path", "camera=1 at=return do=other-path:nowhere": "no path"}
    with line() as rig:
        for spec, words in wrong.items():
            rig.refused(f"fault {spec}", words)
        equal(rig.order("state")["faults"], [])


# ---- faults: (SPEC, what dfu-util's write of two units must do, what must hold afterwards) ----

DATA = noise(100000)


def flash_is(check):
    return lambda rig, status: equal(check(rig.dump("ROMFS0")), True, "the flash")


def gone(rig, _):
    equal(rig.camera()["mode"], "off")
    rig.order("plug 1")
    rig.order("wait 1 boot 60000")


WRITES = [
    ("at=dnload block=3 do=stall", False, None),
    ("at=getstatus nth=5 do=stall", None, None),  # dfu-util tries this one again
    ("at=set-interface partition=ROMFS0 do=stall", False, None),
    ("at=dnload block=3 do=silent", False, None),
    ("at=getstatus nth=4 do=silent", False, None),
    ("at=dnload block=3 do=status:errVERIFY", False, flash_is(lambda f: f[12288:16384] == b"\xff" * 4096)),
    ("at=getstatus nth=9 do=status:errVENDOR", False, None),
    ("at=erase nth=2 do=status:errERASE", False, flash_is(lambda f: f[:65536] == DATA[:65536] and f[65536] == 255)),
    ("at=erase nth=2 do=silent", False, flash_is(lambda f: f[:65536] == DATA[:65536] and f[65536] == 255)),
    ("at=program block=2 do=status:errPROG", False, flash_is(lambda f: f[:8192] == DATA[:8192] and f[8192] == 255)),
    ("at=getstatus nth=4 do=short:3", False, None),
    ("at=getstatus nth=4 do=long:1", False, None),
    ("at=dnload block=2 do=garbage", True, flash_is(lambda f: f[8192:12288] != DATA[8192:12288] and f[12288:20000] == DATA[12288:20000])),
    ("at=program block=2 do=garbage", True, flash_is(lambda f: f[8192:12288] != DATA[8192:12288])),
    ("at=dnload block=2 do=flip:7.3", True, flash_is(lambda f: f[8199] == DATA[8199] ^ 8 and f[8200:12288] == DATA[8200:12288])),
    ("at=program block=2 do=flip:7.3", True, flash_is(lambda f: f[8199] == DATA[8199] ^ 8)),
    ("at=dnload block=2 do=lie", True, flash_is(lambda f: f[8192:12288] == b"\xff" * 4096)),
    ("at=program block=2 do=lie", True, flash_is(lambda f: f[8192:12288] == b"\xff" * 4096)),
    ("at=program block=2 do=elsewhere:1048576", True,
     flash_is(lambda f: f[8192:12288] == b"\xff" * 4096 and f[1048576 + 8192:1048576 + 12288] == DATA[8192:12288])),
    ("at=dnload block=3 do=unplug", False, gone),
    ("at=dnload block=3 do=power-cut", False, gone),
    ("at=getstatus block=3 do=unplug", False, gone),
    ("at=erase nth=2 do=power-cut", False, gone),
    ("at=erase nth=2 do=unplug", False, gone),
    ("at=program block=2 do=unplug", False, gone),
    ("at=dnload block=3 do=early-boot", False, lambda rig, _: rig.order("wait 1 run 60000")),
    ("at=open do=eacces times=9", False, None),
    ("at=open do=ebusy times=9", False, None),
    ("at=open nth=2 do=unplug", False, gone),
    ("at=clrstatus do=stall", True, None),
    ("at=abort do=lie", True, None),
]
QUIET = {"at=clrstatus do=stall", "at=abort do=lie"}  # dfu-util has no occasion for them in a good write


@test
def faults_of_a_write():
    """each fault of the write path fires once, and does to dfu-util and to the flash what it says"""
    for spec, good, check in WRITES:
        with line() as rig:
            rig.order(f"fault camera=1 {spec}")
            try:
                status = write(rig, DATA)
                equal(status == 0, status == 0 if good is None else good, "dfu-util succeeds")
                equal(fired(rig) > 0, spec not in QUIET, "fired")
                if check:
                    check(rig, status)
            except AssertionError as error:
                raise AssertionError(f"{spec}: {error}") from None


@test
def a_garbled_status():
    """GETSTATUS answered with noise fires (dfu-util then sleeps for as long as the noise tells it to)"""
    with line() as rig:
        rig.order("fault camera=1 at=getstatus nth=4 times=9 do=garbage")
        equal(rig.run(f"timeout 2 dfu-util -a ROMFS0 -D {rig.file('image', DATA)}") != 0, True)
        equal(fired(rig) > 0, True)


@test
def a_power_cut_tears_the_page():
    """a power cut while a block is programmed leaves whole pages before it, a torn one, and nothing behind"""
    with line() as rig:
        rig.order("fault camera=1 at=program partition=ROMFS0 block=2 do=power-cut")
        equal(write(rig, DATA) != 0, True)
        rig.order("wait 1 gone 60000")
        flash = rig.dump("ROMFS0")
        pages = [flash[8192 + i * PAGE:8192 + (i + 1) * PAGE] for i in range(16)]
        wanted = [DATA[8192 + i * PAGE:8192 + (i + 1) * PAGE] for i in range(16)]
        whole = [p == w for p, w in zip(pages, wanted)]
        cut = whole.index(False)
        equal(0 < cut < 16 and all(whole[:cut]), True, f"pages {whole}")
        equal(pages[cut] != b"\xff" * PAGE, True, "torn, not blank")
        equal(all(p == b"\xff" * PAGE for p in pages[cut + 1:]), True, "the rest")
        equal(flash[:8192] == DATA[:8192], True, "what was written before")


@test
def a_missing_erase():
    """a unit that was not erased: NOR holds the AND of both, H7 refuses the second write"""
    first, second = noise(65536, 1), noise(65536, 2)
    with line() as rig:
        equal(write(rig, first), 0)
        rig.order("fault camera=1 at=erase do=no-erase")
        equal(write(rig, second), 0)
        equal(rig.dump("ROMFS0")[:65536] == bytes(a & b for a, b in zip(first, second)), True, "AND")
    with line(boards="openmv-h7") as rig:
        equal(write(rig, first), 0)
        rig.order("fault camera=1 at=erase do=lie")
        equal(write(rig, second) != 0, True)
        equal("status(3)" in rig.said, True, rig.said[-200:])


@test
def faults_of_a_read():
    """each fault of the read path is seen in what dfu-util reads, and not in the flash"""
    size = 24 << 20
    rows = [("do=flip:9.0", lambda b: b[8192 + 9] == DATA[8192 + 9] ^ 1),
            ("do=garbage", lambda b: b[8192:12288] != DATA[8192:12288] and b[12288:20000] == DATA[12288:20000]),
            ("do=short:512", lambda b: len(b) == 8192 + 512),
            ("do=lie", lambda b: b[8192:12288] == DATA[4096:8192])]
    with line() as rig:
        rig.order(f"load 1 ROMFS0 {rig.file('data', DATA)}")
        for spec, holds in rows:
            rig.order(f"fault camera=1 at=upload partition=ROMFS0 block=2 {spec}")
            equal(holds(rig.upload("ROMFS0")), True, spec)
            equal(fired(rig), 1, spec)
            rig.order("clear 1")
            equal(rig.upload("ROMFS0")[:size][:100000] == DATA, True, f"after {spec}")
        for spec in ("do=stall", "do=silent", "do=long:4", "do=unplug"):
            rig.order(f"fault camera=1 at=upload block=2 {spec}")
            equal(rig.run(f"rm -f {rig.file('upload')}; dfu-util -a ROMFS0 -U {rig.file('upload')}") != 0, True, spec)
            equal(fired(rig), 1, spec)
            rig.order("clear")


@test
def faults_of_coming_and_going():
    """no-return, other-path, uid-of, a silent enumeration, a lying DETACH, garbage strings"""
    with line(cameras=3) as rig:
        rig.order("fault camera=1 at=leave do=no-return")
        rig.good("dfu-util -p 1-1.1 -a 0 -e")
        rig.refused("wait 1 run 800", "timeout")
        equal(rig.camera(1)["mode"], "gone")
        rig.order("fault camera=2 at=return do=other-path:1-3.5")
        rig.good("dfu-util -p 1-1.2 -a 0 -e")
        rig.order("wait 2 run 60000")
        equal(rig.camera(2)["path"], "1-3.5")
        rig.order("fault camera=3 at=detach do=lie")
        rig.good("dfu-util -p 1-1.3 -a 0 -e")
        rig.refused("wait 3 gone 300", "timeout")
        rig.good("dfu-util -p 1-1.3 -a 0 -e")
        rig.order("wait 3 run 60000")
        rig.order("fault camera=3 at=enumerate do=uid-of:2")
        rig.order("power-cycle 3 hold")
        rig.order("wait 3 boot 60000")
        equal({r["serial"] for r in found(rig.good("dfu-util -l"))}, {rig.camera(2)["dfu_serial"]})
        equal(rig.camera(3)["uid"], rig.camera(2)["uid"])
        rig.order("fault camera=3 at=enumerate do=silent")
        rig.order("power-cycle 3 hold")
        rig.order("wait 3 run 60000")  # nobody enumerated it: it left for its firmware
        rig.order("fault camera=3 at=descriptor times=100 do=garbage")
        rig.order("power-cycle 3 hold")
        rig.order("wait 3 boot 60000")
        equal(rig.camera(3)["dfu_serial"] in rig.good("dfu-util -l"), False)
        equal(fired(rig, 3) > 3, True)


@test
def counts_occasions():
    """nth and times count what fits camera, partition and block; clear takes faults back"""
    with line(cameras=2) as rig:
        rig.order("fault camera=* at=dnload partition=ROMFS0 nth=2 times=2 do=stall")
        rig.order("fault camera=2 at=dnload partition=FILESYSTEM do=stall")
        results = [write(rig, b"x" * 100, extra="-p 1-1.1") == 0 for _ in range(5)]
        equal(results, [True, False, False, True, True])
        equal([write(rig, b"x" * 100, extra="-p 1-1.2") == 0 for _ in range(4)], [True, False, False, True])
        equal(write(rig, b"x", "FILESYSTEM", "-p 1-1.1"), 0)
        equal([c["fired"] for c in rig.order("state")["cameras"]], [2, 2])
        equal([f["fired"] for f in rig.order("state")["faults"]], [4, 0])
        rig.order("clear 2")
        equal(write(rig, b"x", "FILESYSTEM", "-p 1-1.2"), 0)
        equal(len(rig.order("state")["faults"]), 1)
        rig.order("clear")
        equal(rig.order("state")["faults"], [])


@test
def faults_from_a_file_and_by_seed():
    """--faults reads SPECs from a file and refuses a wrong one; --seed alone draws one per camera, the same each time"""
    with line(cameras=0) as rig:
        good = rig.file("good", b"# a remark\n\ncamera=1 at=dnload do=stall\n")
        bad = rig.file("bad", b"camera=1 at=dnload do=stall\ncamera=1 at=dnload do=nothing\n")
        with line("--faults", good) as other:
            equal([f["spec"] for f in other.order("state")["faults"]], ["camera=1 at=dnload do=stall"])
            equal(write(other, b"x") != 0, True)
        done = subprocess.run([f"{BUILD}/virtual-line", "--cameras", "1", "--board", "openmv-n6", "--faults", bad, "--", "true"],
                              capture_output=True, text=True)
        equal((done.returncode, f"{bad}:2" in done.stderr), (1, True), done.stderr)

    def drawn(seed):
        with line("--seed", str(seed), cameras=8) as rig:
            state = rig.order("state")
            return [f["spec"] for f in state["faults"]], [c["uid"] for c in state["cameras"]]
    specs, uids = drawn(5)
    equal((len(specs), len(set(uids))), (8, 8))
    equal(drawn(5), (specs, uids))
    equal(drawn(6)[0] != specs and drawn(6)[1] != uids, True)


# ---- what COMMAND gets ----

def run(*options, command, **more):
    return subprocess.run([os.path.abspath(f"{BUILD}/virtual-line"), "--cameras", "1", "--board", "openmv-n6", *options, "--", *command],
                          capture_output=True, text=True, timeout=LIMIT_S, **more)


@test
def status_is_returned():
    """COMMAND's exit status is returned, 128 + its signal, 127 when there is no such program, 2 for usage"""
    equal(run(command=["sh", "-c", "exit 7"]).returncode, 7)
    equal(run(command=["sh", "-c", "kill -9 $$"]).returncode, 137)
    equal(run(command=["/nowhere/program"]).returncode, 127)
    for wrong in (["--cameras", "65"], ["--board", "nobody"], ["--mode", "sleep"], ["--speed", "0"], ["--flash"], ["--colour"],
                  ["--bootloader", "9"], ["--hub", "none"], ["--windows", "-1"], ["--listen", "here"], ["--listen", "127.0.0.1:65536"],
                  ["--forward", "127.0.0.1:x"], ["--seed", "x"]):
        done = run(*wrong, command=["true"])
        equal((done.returncode, done.stderr.startswith("virtual-line: ")), (2, True), f"{wrong}: {done}")


@test
def signals_go_to_the_command():
    """SIGTERM to the line is COMMAND's to answer"""
    child = subprocess.Popen([f"{BUILD}/virtual-line", "--cameras", "1", "--board", "openmv-n6", "--respawn", "--", "sh", "-c",
                              "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done"], stdout=subprocess.PIPE, text=True)
    equal(child.stdout.readline(), "ready\n")
    child.send_signal(signal.SIGTERM)
    equal(child.communicate(timeout=LIMIT_S)[0], "got\n")
    equal(child.returncode, 5)


@test
def stop_ends_the_line():
    """stop ends COMMAND by SIGTERM, and the line with it"""
    with line() as rig:
        rig.order("stop")
        equal(rig.process.wait(LIMIT_S), 143)
        equal(os.path.exists(rig.control_path), False, "the socket is taken away")


@test
def starts_again_on_the_same_line():
    """--respawn starts COMMAND again when a signal killed it: same cameras, same flash, nothing left running"""
    script = ("dfu-util -a ROMFS0 -U back$N >/dev/null 2>&1; test -e back2 && exit 9; "
              "dfu-util -a ROMFS0 -D image >/dev/null 2>&1; (sleep 1000) & kill -9 $$")
    with line(cameras=0) as rig:
        rig.file("image", DATA)
        done = run("--mode", "hold", "--speed", "instant", "--respawn", "--boards", os.path.abspath("fixtures/boards"), cwd=rig.work,
                   command=["sh", "-c", "N=1; test -e back1 && N=2; " + script])
        equal(done.returncode, 9, done.stderr)
        equal(rig.read("back1")[:4], b"\xd2\xcd\x31\x00")
        equal(rig.read("back2")[:100000] == DATA, True, "flash of the first life")


@test
def keeps_flash():
    """--flash DIR keeps each camera's contents from run to run, also of the boards whose flash is written once"""
    for name in ("openmv-n6", "openmv-h7"):
        with line(cameras=0) as rig:
            for turn in (0, 1):
                with line("--flash", rig.file("kept"), boards=name, cameras=2) as other:
                    equal(other.dump("ROMFS0", 2)[:90000] == DATA[:90000], bool(turn), f"{name} run {turn}")
                    equal(other.dump("ROMFS0", 1)[:4], b"\xd2\xcd\x31\x00")
                    equal(write(other, DATA[:90000], extra="-p 1-1.2"), 0)
                    equal(other.dump("ROMFS0", 2)[:90000] == DATA[:90000], True)


@test
def hands_over_a_socket():
    """--listen: COMMAND gets a listening socket as descriptor 3, bound outside, by LISTEN_FDS and LISTEN_PID"""
    code = ("import os, socket; assert (os.environ['LISTEN_FDS'], int(os.environ['LISTEN_PID'])) == ('1', os.getpid()); "
            "s = socket.socket(fileno=3); c, _ = s.accept(); c.sendall(c.recv(9)[::-1])")
    child = subprocess.Popen([f"{BUILD}/virtual-line", "--cameras", "1", "--board", "openmv-n6", "--listen", "127.0.0.1:0", "--",
                              "python3", "-c", code], stderr=subprocess.PIPE, text=True)
    port = int(re.match(r"virtual-line: listening on 127\.0\.0\.1:(\d+)\n", child.stderr.readline())[1])
    import socket
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as s:
        s.sendall(b"abc")
        equal(s.recv(9), b"cba")
    equal(child.wait(LIMIT_S), 0)


@test
def carries_connections_out():
    """--forward: a connection to that address inside reaches it outside; any other finds nobody"""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(DATA * 20)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    code = (f"import urllib.request, sys; d = urllib.request.urlopen('http://127.0.0.1:{port}/', timeout=30).read(); "
            "print(len(d), sum(d))")
    equal(run("--forward", f"127.0.0.1:{port}", command=["python3", "-c", code]).stdout.split(), [str(len(DATA) * 20), str(sum(DATA) * 20)])
    equal("refused" in run(command=["python3", "-c", code]).stderr, True)
    server.shutdown()


@test
def keeps_time():
    """a block takes the time of the board file: no less, and the line adds little"""
    with line(speed="datasheet") as rig:
        started = time.monotonic()
        equal(write(rig, DATA[:65536]), 0)
        took = time.monotonic() - started
        least = 0.150 + 256 * 0.0004  # one erase, 256 pages
        equal(took >= least, True, f"{took} s")
        rig.good("rm -f back")
    with line(speed="datasheet", boards="openmv-h7") as rig:
        started = time.monotonic()
        rig.upload("ROMFS0")
        equal(time.monotonic() - started >= 131072 / 832000, True, "full speed carries at most 832 kB/s")


if __name__ == "__main__":
    test.main()
