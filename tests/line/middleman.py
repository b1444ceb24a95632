#!/usr/bin/env python3
"""Stands between a station and the OpenOCD of one nest, and does what it is ordered to: stop it, kill it, talk nonsense in
its place, take the camera's power, reset its core, or tell the station something else than what the agent in the camera
said.  The station runs it because it finds it under the name of openocd; it knows nothing of it.

    middleman.py ORDERS OPENOCD'S-WORDS...

ORDERS is a file that Middlemen (below) writes, a SPEC for each order:

    at=openocd call=CALL [nth=N] [times=T] do=stop|kill|garbage|endless|twice|power-cut|lock|reset|kill-station|disk
    at=agent   [nth=N] [times=T] do=flatter:PLACES|slander:PLACES|damage

CALL is what the station asks for: reset (and halt), load, look (at the mailbox), open, table, digest, mount, buffer, dump
(of the partition), bootloader, read (of other words), leave, halt.  PLACES, joined by "+", are where the agent lies: table, digest,
file, verdict.  Flattering says what the recipe wants, slandering says another CRC or verdict than the agent's own; damage
changes a byte of a buffer on its way, and its CRC with it, so that the agent takes it for right.  Each order counts its own
occasions; who lies counts answers that it would have changed."""
import ctypes
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib

END = b"\x1a"
OPENOCD = "/usr/bin/openocd"
BULK, BULK_NAME = 3, "/proc/self/fd/3"
PATIENCE_S = 60
# firmware/agent/mailbox.h
REQUEST, SETUP, SLOT, SLOT_SIZE, BOX_SIZE = 0xC0, 0xE0, 0x160, 64, 0x260
STATUS_WORDS, ANSWERED, STATUS, ANSWER, ANSWER_WORDS, CHECK = 48, 12, 13, 16, 12, 28
COMMANDS = {1: "open", 2: "table", 3: "digest", 4: "mount", 5: "read-back", 6: "close"}
OP_LZ4, OP_PROGRAM = 1, 8
MOUNT_STATUS, MOUNT_RULE, MOUNT_FAULT, MOUNT_COUNT, MOUNT_CHECK = 0, 1, 2, 8, 9
ROMFS_FILE = 0
INTERNAL = range(0x08000000, 0x08200000)  # flash, where each chip's bootloader is
RESET_CORE = "mww 0xe000ed0c 0x05fa0004"
IS_THERE = "[lindex [dap names] 0] dpreg 0"


def crc_words(words):
    return zlib.crc32(struct.pack(f"<{len(words)}I", *words))


def answer_check(words):
    """Over answered, status, detail and the answer's words, as if they stood in a row."""
    return crc_words(words[ANSWERED:ANSWERED + 3] + words[ANSWER:ANSWER + ANSWER_WORDS])


class Book:
    """The orders of one nest, and how often each has had its occasion; kept in their file, since an attempt may have several
    OpenOCDs one after the other."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as f:
            self.data = json.load(f)

    def save(self):
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            json.dump(self.data, f)
        os.rename(self.path + ".new", self.path)

    def due(self, order):
        order["seen"] += 1
        fires = order["nth"] <= order["seen"] < order["nth"] + order["times"]
        order["fired"] += fires
        self.save()
        return fires

    def orders(self, at):
        return [o for o in self.data["orders"] if o["at"] == at]


class Middleman:
    def __init__(self, book, words):
        self.book, self.truth = book, book.data["truth"]
        self.box, self.layout = self.truth["buffers"], None
        self.asked, self.forged, self.loaded = None, {}, b""
        self.answers = {}
        station, self.child = socket.socket(fileno=os.dup(0)), None
        ours, its = socket.socketpair()
        self.process = subprocess.Popen([OPENOCD, *words], stdin=its, stdout=its, pass_fds=(BULK,), preexec_fn=die_with_parent)
        its.close()
        self.station, self.child, self.held = station, ours, {station: b"", ours: b""}

    # --- talking

    def receive(self, end):
        """One message without its end; None: there will be no more."""
        while END not in self.held[end]:
            try:
                part = end.recv(65536)
            except OSError:
                part = b""
            if not part:
                return None
            self.held[end] += part
        message, _, self.held[end] = self.held[end].partition(END)
        return message

    def forward(self, request):
        """What OpenOCD answers; ends with it."""
        try:
            self.child.sendall(request + END)
        except OSError:
            sys.exit(1)
        answer = self.receive(self.child)
        if answer is None:
            sys.exit(1)
        return answer

    def ask(self, tcl):
        """(return code, text) of a command of our own."""
        rc, _, text = self.forward(b"list [catch {%s} r] $r" % tcl.encode()).decode(errors="replace").partition(" ")
        return int(rc), text.strip("{}")

    def run(self):
        while True:
            request = self.receive(self.station)
            if request is None:
                self.process.terminate()
                self.process.wait()
                return
            self.station.sendall(self.serve(request) + END)

    # --- what the station asks for

    def call_of(self, tcl):
        place = re.match(r"(write_memory|read_memory|load_image \S+|dump_image \S+) (0x[0-9a-f]+)", tcl)
        if not place:
            return next((name for word, name in (("reset halt", "reset"), ("reset run", "leave"), ("wait_halt", "halt"))
                         if word in tcl), "other")
        verb, at = place[1].split()[0], int(place[2], 16)
        if verb == "load_image":
            return "load"
        if verb == "dump_image":
            return "results" if self.is_results(at) else "dump" if at >= self.truth["mapped"] else "bootloader" if at in INTERNAL else "other"
        if verb == "read_memory":
            return "look" if at == self.box else "read"
        if at == self.box + REQUEST + 4:
            return COMMANDS.get(self.words_of(tcl)[0], "other")
        return "buffer" if self.box + SLOT <= at < self.box + BOX_SIZE else "other"

    def is_results(self, at):
        return self.layout is not None and at == self.box + self.layout["results"]

    @staticmethod
    def words_of(tcl):
        return [int(w) for w in re.search(r"\{([0-9 ]+)\}", tcl)[1].split()]

    def serve(self, request):
        tcl = re.fullmatch(r"list \[catch \{(.*)\} r\] \$r", request.decode(), re.S)[1]
        call = self.call_of(tcl)
        due = [o["deed"] for o in self.book.orders("openocd") if o["call"] == call and self.book.due(o)]
        for deed in due:
            self.instead(deed)
        if call == "load":
            self.note_load(tcl)
        if call == "buffer":
            request = self.damage(tcl, request)
        if call in COMMANDS.values():
            self.asked = (call, self.words_of(tcl)[1:6], int(tcl.rsplit(" ", 1)[1]))
        answer = self.forward(request)
        for deed in due:
            self.afterwards(deed)
        if call == "look":
            return self.lie(answer)
        if "twice" in due:
            self.station.sendall(answer + END)
        if call == "results" and self.asked[2] in self.forged:
            os.pwrite(BULK, self.forged[self.asked[2]], 0)
        return answer

    # --- deeds of OpenOCD's own, and around the camera

    def instead(self, deed):
        if deed == "reset":
            self.ask(RESET_CORE)
        elif deed == "stop":
            self.process.send_signal(signal.SIGSTOP)
        elif deed == "kill":
            self.process.kill()
            self.process.wait()
        elif deed == "garbage":
            self.station.sendall(b"\x00\xff}{ what? [" + END)
            time.sleep(PATIENCE_S)  # ended long before
        elif deed == "endless":
            while True:
                self.station.sendall(b"0 {" * 4096)

    def afterwards(self, deed):
        if deed == "power-cut":
            control(self.truth["control"], f"unplug {self.truth['camera']}")
            until = time.monotonic() + PATIENCE_S  # the line has taken it; the core does so at once
            while self.ask(IS_THERE)[0] == 0 and time.monotonic() < until:
                pass
        elif deed == "lock":
            control(self.truth["control"], f"fault camera={self.truth['camera']} at=swd times=1000000 do=lock")
        elif deed == "kill-station":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(PATIENCE_S)  # dies with it
        elif deed == "disk":
            path, text = self.truth["disk"]
            with open(path + ".new", "w", encoding="utf-8") as f:
                f.write(text)
            os.rename(path + ".new", path)

    # --- lies

    def note_load(self, tcl):
        at = int(tcl.split()[2], 16)
        self.loaded = os.pread(BULK, os.fstat(BULK).st_size, 0)
        if at == self.box and len(self.loaded) == BOX_SIZE:
            names = ("room", "slot_size", "slots", "work", "results", "results_size")
            self.layout = dict(zip(names, struct.unpack_from("<6I", self.loaded, SETUP)))

    def damage(self, tcl, request):
        words, turn = self.words_of(tcl), int(tcl.rsplit(" ", 1)[1])
        op, _, _, length, _, _, _, _, _ = words
        for order in self.book.orders("agent"):
            if order["deed"] != "damage" or op & OP_LZ4 or not op & OP_PROGRAM or length < 4096 or not self.book.due(order):
                continue
            data = bytearray(self.loaded)
            data[length // 2] ^= 0x10
            number = int(tcl.split()[1], 16) - 4 - self.box - SLOT
            at = self.box + self.layout["slots"] + number // SLOT_SIZE * self.layout["slot_size"]
            os.ftruncate(BULK, 0)
            os.pwrite(BULK, data, 0)
            self.ask(f"load_image {BULK_NAME} 0x{at:08x} bin")
            words[5] = zlib.crc32(data[:length])
            words[8] = crc_words([turn, *words[:8]])
            return re.sub(rb"\{[0-9 ]+\}; write_memory", b"{%s}; write_memory" % " ".join(map(str, words)).encode(), request)
        return request

    def lie(self, answer):
        """An answer that is whole and good may become another one."""
        found = re.fullmatch(rb"0 \{?([0-9a-fx ]+)\}?", answer)
        words = [int(w, 0) for w in found[1].split()] if found else []
        if len(words) < STATUS_WORDS or not self.asked or words[ANSWERED] != self.asked[2] or words[STATUS]:
            return answer
        if words[CHECK] != answer_check(words):
            return answer
        ask = self.asked[2]
        if ask not in self.answers:
            self.answers = {ask: self.changed(words[ANSWER:ANSWER + ANSWER_WORDS])}
        words[ANSWER:ANSWER + ANSWER_WORDS] = self.answers[ask]
        words[CHECK] = answer_check(words)
        return b"0 {%s}" % " ".join(f"0x{w:x}" for w in words).encode()

    def changed(self, answer):
        call, argument, _ = self.asked
        for order in self.book.orders("agent"):
            deed, _, places = order["deed"].partition(":")
            change = {"table": self.lie_table, "digest": self.lie_digest, "mount": self.lie_mount}.get(call)
            if not change or deed not in ("flatter", "slander"):
                continue
            other = change(list(answer), argument, deed == "flatter", places.split("+"))
            if other != answer and self.book.due(order):
                answer = other
            else:
                self.forged.clear()
        return answer

    def results(self, size):
        rc, text = self.ask(f"dump_image {BULK_NAME} 0x{self.box + self.layout['results']:08x} {size}")
        if rc:
            raise RuntimeError(text)
        return bytearray(os.pread(BULK, size, 0))

    def wanted(self, offset, size):
        """What the recipe has there; None: it has not that much."""
        at = offset - self.truth["start"]
        with open(self.truth["image"], "rb") as f:
            data = f.read()
        return data[at:at + size] if 0 <= at and at + size <= len(data) else None

    def lie_table(self, answer, argument, flatters, places):
        _, offset, unit, count, _ = argument
        if "table" not in places:
            return answer
        rows = [list(r) for r in struct.iter_unpack("<2I", self.results(8 * count))]
        for n, row in enumerate(rows):
            wanted = self.wanted(offset + n * unit, unit)
            if flatters and wanted:
                row[:] = zlib.crc32(wanted), 0
            elif not flatters and n == len(rows) - 1:
                row[0] ^= 1
        return self.with_results(answer, b"".join(struct.pack("<2I", *r) for r in rows), 1)

    def lie_digest(self, answer, argument, flatters, places):
        _, offset, size, _, _ = argument
        wanted = self.wanted(offset, size)
        if "digest" not in places or not wanted:
            return answer
        if flatters:
            answer[:9] = zlib.crc32(wanted), *struct.unpack(">8I", hashlib.sha256(wanted).digest())
        else:
            answer[0] ^= 1
        return answer

    def lie_mount(self, answer, _, flatters, places):
        if "verdict" in places:
            answer[MOUNT_STATUS] = 0 if flatters else 1
            if flatters:
                answer[MOUNT_RULE] = answer[MOUNT_FAULT] = 0
        if "file" in places:
            rows = [list(r) for r in struct.iter_unpack("<8I", self.results(32 * answer[MOUNT_COUNT]))]
            files = [r for r in rows if r[0] & 0xff == ROMFS_FILE]
            for row in files if flatters else files[-1:]:
                row[5] = self.truth["files"].get(str(row[3]), row[5]) if flatters else row[5] ^ 1
            answer = self.with_results(answer, b"".join(struct.pack("<8I", *r) for r in rows), MOUNT_CHECK)
        return answer

    def with_results(self, answer, results, check):
        self.forged = {self.asked[2]: results}
        answer[check] = zlib.crc32(results)
        return answer


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def control(path, line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(PATIENCE_S)
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        if not s.makefile().readline().startswith("ok"):
            sys.exit(1)


class Middlemen:
    """A rig's middlemen: its station finds them before OpenOCD.  Nests without orders have OpenOCD itself, and so has every
    look at a nest that rests."""

    def __init__(self, rig):
        self.folder = os.path.join(rig.work, "between")
        os.mkdir(self.folder)
        bin_ = os.path.join(self.folder, "bin")
        os.mkdir(bin_)
        with open(f"{bin_}/openocd", "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\ncase "$*" in *look.dap*) exec {OPENOCD} "$@" ;; esac\n'
                    f'for orders in {self.folder}/[0-9]*.json; do port=${{orders##*/}}\n'
                    f'case "$*" in *"tcp ${{port%.json}};"*) exec {sys.executable} {os.path.abspath(__file__)} "$orders" "$@" ;; '
                    f'esac; done\nexec {OPENOCD} "$@"\n')
        os.chmod(f"{bin_}/openocd", 0o755)
        rig.wrap = ("env", f"PATH={bin_}:{os.environ['PATH']}", *rig.wrap)

    def path(self, port):
        return os.path.join(self.folder, f"{port}.json")

    def order(self, port, specs, truth):
        """truth: what the camera is (camera, control, where its buffers and its partition are mapped), and what the recipe wants
        of it (image, start, files)."""
        orders = []
        for spec in specs:
            words = dict(w.split("=", 1) for w in spec.split())
            orders.append({"spec": spec, "at": words.pop("at"), "call": words.pop("call", ""), "nth": int(words.pop("nth", 1)),
                           "times": int(words.pop("times", 1)), "deed": words.pop("do"), "seen": 0, "fired": 0})
            if words:
                raise ValueError(f"{spec}: {words}")
        book = Book.__new__(Book)
        book.path, book.data = self.path(port), {"orders": orders, "truth": truth}
        book.save()

    def clear(self):
        for name in os.listdir(self.folder):
            if name.endswith(".json"):
                os.unlink(os.path.join(self.folder, name))

    def fired(self, port):
        """{SPEC: how often}"""
        return {o["spec"]: o["fired"] for o in Book(self.path(port)).data["orders"]}


def main():
    Middleman(Book(sys.argv[1]), sys.argv[2:]).run()


if __name__ == "__main__":
    main()
