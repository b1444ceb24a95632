#!/usr/bin/env python3
"""The agent's own images on the cores: loaded into qemu-system-arm by its debug stub, as a probe would, and asked.

Its medium is RAM behind the MRAM back-end, so that the ring, LZ4, tables, digests and the mount run as they are; what
they answer is held against zlib, hashlib and the corpus.  Also: a bus error while flash is read, a fault, the position,
and the measured stack against the computed one.  Prints TAP."""
import ctypes
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

BUILD = os.environ.get("BUILD", "build")
CORPUS = "tests/corpus/romfs"
# machine: core, its image, where its RAM is
MACHINES = {"mps2-an386": ("m4", 0x20000000), "mps2-an500": ("m7", 0x20000000), "mps2-an505": ("m33", 0x38000000)}
DEADLINE_S = 20
NOWHERE = 0x70000000
MAGIC, ABI, READY, FAULT = 0x424D4C52, 1, 1, 3
OPEN, TABLE, DIGEST, MOUNT, READ, CLOSE = range(1, 7)
MRAM = 7
LZ4, ERASE, PROGRAM = 1, 2, 8
BAD_CRC, NO_FLASH, BAD_ARGUMENT = 2, 6, 5
# words of the mailbox
REQUEST, SETUP, SLOTS, SLOT = 0xC0, 0xE0, 0x160, 64
STACK, HEAD = 6144, 32
PC, XPSR = 15, 25
tests = []


def words(data):
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def pack(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


class Core:
    """A machine that stands still, behind the debug protocol of GDB."""

    def __init__(self, machine, folder):
        path = f"{folder}/{machine}.gdb"
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", machine, "-nodefaults", "-display", "none", "-serial", "none", "-monitor", "none", "-S",
             "-kernel", f"{BUILD}/firmware/vectors-{machine}.elf", "-chardev", f"socket,path={path},server=on,wait=off,id=g",
             "-gdb", "chardev:g"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + DEADLINE_S
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                assert time.monotonic() < until and self.process.poll() is None, "QEMU does not listen"
                time.sleep(0.02)
        self.bytes = b""
        self.ask("?")
        self.ask("qXfer:features:read:target.xml:0,ffb")  # before this QEMU takes no single registers

    def close(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def receive(self):
        while b"#" not in self.bytes or len(self.bytes) < self.bytes.index(b"#") + 3:
            more = self.socket.recv(65536)
            assert more, "QEMU has ended"
            self.bytes += more
        start, end = self.bytes.index(b"$"), self.bytes.index(b"#")
        text, self.bytes = self.bytes[start + 1:end].decode(), self.bytes[end + 3:]
        self.socket.sendall(b"+")
        return text

    def ask(self, text):
        self.send(text)
        return self.receive()

    def write(self, address, data):
        for at in range(0, len(data), 1024):
            part = data[at:at + 1024]
            assert self.ask(f"M{address + at:x},{len(part):x}:{part.hex()}") == "OK", hex(address + at)

    def read(self, address, size):
        out = b""
        while len(out) < size:
            part = min(1024, size - len(out))
            out += bytes.fromhex(self.ask(f"m{address + len(out):x},{part:x}"))
        return out

    def register(self, number, value):
        assert self.ask(f"P{number:x}={struct.pack('<I', value).hex()}") == "OK"

    def run_a_little(self, seconds):
        self.send("c")
        time.sleep(seconds)
        self.socket.sendall(b"\x03")
        self.receive()


class Agent:
    """The station's half, as short as it can be."""

    def __init__(self, core, name, ram, shift=0, watchdog=0):
        self.core, self.box, self.number, self.turn = core, ram + 0x40000, 0, 0
        with open(f"build/firmware/agent-{name}.bin", "rb") as f:
            image = bytearray(f.read())
        head = words(image[:HEAD])
        assert head[1] == 0x49414C52 and head[2] == ABI and head[5] == len(image)
        self.memory, self.load = head[6], ram + shift
        image[28:32] = pack(self.box)
        self.flash, self.flash_size, self.slot = ram + 0x100000, 0x80000, 0x8000
        room = 0x40000
        setup = [room, self.slot, 0x400, 0x400 + 4 * self.slot, 0x400 + 5 * self.slot, room - 0x400 - 5 * self.slot, watchdog, 0,
                 MRAM, 0, self.flash, self.flash_size, 0, 0, 0, 0,
                 MRAM, 0, NOWHERE, 0x10000, 0, 0, 0, 0]
        self.results = self.box + setup[4]
        core.write(self.load, bytes(self.memory))
        core.write(self.load + self.memory - STACK, b"\xA5" * STACK)
        core.write(self.load, bytes(image))
        core.write(self.box, bytes(0x260))
        core.write(self.box + SETUP, pack(*setup) + pack(zlib.crc32(pack(*setup))))
        core.register(XPSR, 0x01000000)
        core.register(PC, self.load)
        self.wait(lambda w: w[0] == MAGIC, "no magic")

    def wait(self, done, what):
        until = time.monotonic() + DEADLINE_S
        pause = 0.005
        while True:
            self.core.run_a_little(pause)
            pause = min(pause * 2, 0.1)
            w = words(self.core.read(self.box, 0x84))
            if done(w):
                return w
            assert time.monotonic() < until and w[4] != FAULT, (what, w[:33])

    def call(self, command, *arguments):
        """Status and answer words."""
        self.number += 1
        r = pack(self.number, command, *arguments, *[0] * (5 - len(arguments)))
        self.core.write(self.box + REQUEST, r + pack(zlib.crc32(r)))
        w = self.wait(lambda w: w[12] == self.number, f"no answer to command {command}")
        assert w[28] == zlib.crc32(pack(*w[12:15], *w[16:28])), "the answer's check"
        return w[13], w[16:28]

    def put(self, offset, data, stored=None, op=PROGRAM, crc=None):
        """One buffer through the ring; (ring_done, ring_status)."""
        self.turn += 1
        slot = (self.turn - 1) % 4
        sent = data if stored is None else stored
        self.core.write(self.box + 0x400 + slot * self.slot, sent)
        s = pack(self.turn * 16, op, 0, offset, len(data), len(sent), zlib.crc32(data) if crc is None else crc, 0, 0)
        self.core.write(self.box + SLOTS + slot * SLOT, s + pack(zlib.crc32(s)))
        w = self.wait(lambda w: w[8] == self.turn or w[9] == self.turn * 16, "the ring stands still")
        return w[8], w[10]

    def stack_used(self):
        stack = self.core.read(self.load + self.memory - STACK, STACK)
        return STACK - (len(stack) - len(stack.lstrip(b"\xA5")))


def packed(data):
    lz4 = ctypes.CDLL("liblz4.so.1")
    out = ctypes.create_string_buffer(len(data) + 1000)
    size = lz4.LZ4_compress_default(data, out, len(data), len(out))
    return out.raw[:size]


def some_bytes(size, seed):
    out = b""
    while len(out) < size:
        block = hashlib.sha256(pack(seed, len(out))).digest()
        out += block * (1 + block[0] % 5)
    return out[:size]


def runs_the_ring_and_sums_up(agent):
    data = some_bytes(100_000, 7)
    for at in range(0, len(data), agent.slot):
        part = data[at:at + agent.slot]
        small = at % (2 * agent.slot) == 0
        done, _ = agent.put(at, part, packed(part) if small else None, PROGRAM | (LZ4 if small else 0))
        assert done == agent.turn
    assert agent.core.read(agent.flash, len(data)) == data
    status, answer = agent.call(DIGEST, 0, 0, len(data))
    assert status == 0 and answer[0] == zlib.crc32(data)
    assert struct.pack(">8I", *answer[1:9]) == hashlib.sha256(data).digest()
    status, answer = agent.call(TABLE, 0, 0, 4096, 30)
    table = words(agent.core.read(agent.results, 240))
    whole = agent.core.read(agent.flash, 30 * 4096)
    assert status == 0 and answer[0] == 30 and answer[1] == zlib.crc32(pack(*table))
    for i in range(30):
        assert table[2 * i] == zlib.crc32(whole[i * 4096:(i + 1) * 4096]), i
    # a byte that flips on the way stops the ring before anything is written
    wrong = some_bytes(512, 9)
    done, status = agent.put(0, wrong, crc=1)
    assert status == BAD_CRC and done == agent.turn - 1 and agent.core.read(agent.flash, 512) == data[:512]


def mounts_what_the_corpus_has(agent):
    with open(f"{CORPUS}/expected.json", encoding="utf-8") as f:
        rows = json.load(f)
    wanted = [r for r in rows if r["verdict"] == "accept" and 5 <= len(r["entries"]) <= 400][:12]
    refused = [r for r in rows if r["verdict"] == "refuse"][:4]
    for row in wanted + refused:
        with open(f"{CORPUS}/images/{row['name']}.img", "rb") as f:
            image = f.read()
        agent.core.write(agent.flash, image)
        status, answer = agent.call(MOUNT, 0, 0, len(image), 0)
        assert status == 0 and (answer[0] == 0) == (row["verdict"] == "accept"), (row["name"], answer)
        if row["verdict"] != "accept":
            continue
        entries = words(agent.core.read(agent.results, answer[8] * 32))
        assert answer[9] == zlib.crc32(pack(*entries)) and answer[8] == answer[5] == len(row["entries"]), row["name"]
        got = sorted((entries[i] & 0xFF, entries[i + 4], f"{entries[i + 5]:08x}") for i in range(0, len(entries), 8)
                     if entries[i] & 0xFF == 0)
        want = sorted((0, e["size"], e["crc32"]) for e in row["entries"] if e["type"] == "file")
        assert got == want, row["name"]
        for i in range(0, len(entries), 8):
            address = agent.flash + entries[i + 3]
            assert entries[i + 6] == (address & -address).bit_length() - 1
    used = agent.stack_used()
    computed = json.loads(subprocess.run(["firmware/worst-stack", "--json", f"build/firmware/agent-{agent.name}"], check=True,
                                         stdout=subprocess.PIPE, text=True, timeout=60).stdout)[f"agent-{agent.name}"]
    print(f"# {agent.name}: {used} of {computed['agent_entry']} bytes of stack")
    assert 0 < used <= computed["agent_entry"]


def outlives_a_bus_error_in_flash(agent):
    status, answer = agent.call(TABLE, 1, 0, 4096, 4)
    table = words(agent.core.read(agent.results, 32))
    assert status == 0 and answer[0] == 4 and table == [0, 2] * 4, (status, table)
    status, _ = agent.call(DIGEST, 1, 0, 4096)
    detail = words(agent.core.read(agent.box + 0x38, 4))[0]
    assert status == 14 and NOWHERE <= detail < NOWHERE + 4096, (status, hex(detail))
    status, _ = agent.call(DIGEST, 0, 0, 4096)
    assert status == 0
    assert agent.call(99)[0] == 4 and agent.call(TABLE, 5, 0, 4, 1)[0] == NO_FLASH and agent.call(READ, 0, 0, 16)[0] == BAD_ARGUMENT


def runs_at_another_place_too(core, name, ram):
    agent = Agent(core, name, ram, shift=0x9280)
    agent.name = name
    outlives_a_bus_error_in_flash(agent)
    runs_the_ring_and_sums_up(agent)


def reports_its_own_fault(core, name, ram):
    try:
        Agent(core, name, ram, watchdog=NOWHERE + 0x1234)
    except AssertionError:
        pass
    until = time.monotonic() + DEADLINE_S
    while words(core.read(ram + 0x40010, 4))[0] != FAULT and time.monotonic() < until:
        core.run_a_little(0.05)
    w = words(core.read(ram + 0x40000, 0x84))
    assert w[4] == FAULT and w[29] in (3, 5), w
    assert w[32] == NOWHERE + 0x1234 and ram < w[30] < ram + 0x8000 and w[31] & 0x200, [hex(n) for n in w[29:33]]


def add(machine, name, ram):
    def on_a_fresh_core(function, whole):
        def go(folder):
            core = Core(machine, folder)
            try:
                if whole:
                    function(core, name, ram)
                else:
                    agent = Agent(core, name, ram)
                    agent.name = name
                    function(agent)
            finally:
                core.close()
        go.__name__ = f"cortex_{name}_{function.__name__}"
        tests.append(go)
    for function in (runs_the_ring_and_sums_up, mounts_what_the_corpus_has, outlives_a_bus_error_in_flash):
        on_a_fresh_core(function, False)
    for function in (runs_at_another_place_too, reports_its_own_fault):
        on_a_fresh_core(function, True)


def main():
    for machine, (name, ram) in MACHINES.items():
        add(machine, name, ram)
    failed = 0
    print(f"1..{len(tests)}")
    for number, function in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(folder)
                print(f"ok {number} - {function.__name__}", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} - {function.__name__}\n# {e!r}", flush=True)
    return 1 if failed else 0


sys.exit(main())
