"""An MES for tests: takes events, answers the interlock, and misbehaves as it is told to.

`script` holds what the next requests meet, in order; `rules` what every event of a kind meets; all others are served well.  Each request that was
read whole is in `seen`; those that were answered with 200 are in `taken` too."""
import contextlib
import hashlib
import hmac
import json
import os
import re
import socket
import threading
import time

from harness import Rig

SECRET = b"the line and the MES alone know"


class Mes:
    def __init__(self, port=0):
        self.lock, self.script, self.seen, self.taken, self.rules = threading.Lock(), [], [], [], {}
        self.answer = lambda question: {"uid": question["uid"], "allow": True}
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.open, self.thread = False, None

    def start(self):
        self.open = True
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def options(self):
        """For virtual-line: the way out of its network."""
        return ["--forward", f"127.0.0.1:{self.port}"]

    def conf(self, more=""):
        return f"[mes]\nwebhook = http://127.0.0.1:{self.port}/events\nretry_max = 1\n{more}\n"

    def accept(self):
        while self.open:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def close(self):
        """Waits for the thread that accepts: it would go on with whatever socket gets the number of this one."""
        self.open = False
        if self.thread:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.thread.join()
        self.listener.close()

    def say(self, *script):
        with self.lock:
            self.script += script

    def serve(self, link):
        with link:
            link.settimeout(60)
            try:
                while self.request(link):
                    pass
            except OSError:
                pass

    def request(self, link):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = link.recv(65536)
            if not piece:
                return False
            head += piece
        head, body = head.split(b"\r\n\r\n", 1)
        size = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", head)[1])
        while len(body) < size:
            piece = link.recv(65536)
            if not piece:
                return False
            body += piece
        lines = head.decode().split("\r\n")
        one = {"target": lines[0].split()[1], "head": {k.lower(): v for k, v in (x.split(": ", 1) for x in lines[1:])},
               "body": json.loads(body), "raw": body, "at": time.monotonic()}
        with self.lock:
            how = self.script.pop(0) if self.script else self.rules.get(one["body"].get("kind"), "ok")
            one["how"] = how
            self.seen.append(one)
        return getattr(self, how.split()[0].replace("-", "_"))(link, one, *how.split()[1:])

    def reply(self, link, status, body=b"", *headers):
        link.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n".encode() +
                     b"".join(h.encode() + b"\r\n" for h in headers) + b"\r\n" + body)
        return True

    def ok(self, link, one):
        body = b"{}" if one["target"] != "/permit" else json.dumps(self.answer(one["body"])).encode()
        with self.lock:
            self.taken.append(one)
        return self.reply(link, 200, body)

    def take_and_drop(self, link, one):
        """It has it, but the station is not told so."""
        with self.lock:
            self.taken.append(one)
        return False

    def drop(self, link, one):
        return False

    def mute(self, link, one):
        link.settimeout(20)
        return bool(link.recv(1))

    def status(self, link, one, status, *headers):
        return self.reply(link, int(status), b'{"detail":"so it is"}', *(h.replace("=", ": ") for h in headers))

    def garbage(self, link, one):
        link.sendall(bytes(range(256)) * 16)
        return False

    def half(self, link, one):
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        return False

    def huge(self, link, one):
        """Of a body without an end only so much is looked at; the status counts."""
        with self.lock:
            self.taken.append(one)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1 << 16):
            link.sendall(b"x" * 65536)
        return False

    def headers(self, link, one):
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in range(1 << 16):
            link.sendall(b"X-%d: %s\r\n" % (n, b"y" * 1000))
        return False

    def lie_another(self, link, one):
        """Allows another unit."""
        return self.reply(link, 200, b'{"uid":"000000000000000000000000","allow":true}')


def rig_with(mes, cameras=1, more="", **options):
    """The secret's file is made before the station starts."""
    rig = Rig(cameras=cameras, start=False, speed="instant", options=mes.options() + options.pop("line", []),
              more=mes.conf(more), **options)
    secret = os.path.join(rig.work, "secret")
    with open(secret, "wb") as f:
        f.write(SECRET + b"\n")
    os.chmod(secret, 0o600)
    with open(rig.config, "a") as f:
        f.write(f"secret = {secret}\n")
    return rig


def signature_fits(one):
    text = one["head"]["romline-time"].encode() + b"." + one["raw"]
    return one["head"]["romline-signature"] == "v1=" + hmac.new(SECRET, text, hashlib.sha256).hexdigest()
