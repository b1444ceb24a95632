"""Images for tests, written and read by the format's description alone: what MicroPython's VfsRom sees, what the plainest
builder, OpenMV's flat one and builders with pools of shared contents and records of unknown kinds write."""
import random

MAGIC = b"\xd2\xcd\x31"


def varuint(value, width=0):
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, 0x80 | value & 0x7F)
    return bytes([0x80] * (width - len(out)) + out)


def take(data, at):
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def record(kind, payload, width=0):
    return varuint(kind) + varuint(len(payload), width) + payload


def image(payload, width=0):
    return MAGIC + varuint(len(payload), width) + payload


def named(kind, name, payload):
    raw = name.encode()
    return record(kind, varuint(len(raw)) + raw + payload)


def read(data):
    """{path: (offset, contents)}, (0, None) for a directory; and the list of (path of directory, raw record) of every
    record that is neither file, directory nor a run of padding."""
    assert data[:3] == MAGIC
    length, start = take(data, 3)
    found, others = {}, []

    def walk(at, end, prefix):
        while at < end:
            begin = at
            kind, at = take(data, at)
            size, at = take(data, at)
            following = at + size
            assert following <= end
            if kind in (4, 5):
                n, at = take(data, at)
                path = prefix + data[at : at + n].decode()
                assert path not in found, path
                if kind == 4:
                    found[path] = (0, None)
                    walk(at + n, following, path + "/")
                else:
                    found[path] = contents(at + n, following)
            elif kind != 2 and size > 1:
                others.append((prefix, data[begin:following]))
            at = following

    def contents(at, end):
        while at < end:
            kind, at = take(data, at)
            size, at = take(data, at)
            if kind == 2:
                return at, data[at : at + size]
            if kind == 3:
                n, at = take(data, at)
                offset, at = take(data, at)
                assert offset + n <= length
                return start + offset, data[start + offset : start + offset + n]
            at += size
        raise ValueError("no data")

    walk(start, start + length, "")
    return found, others


def plain(tree):
    """As MicroPython's own tool does it: sorted, nothing aligned, an even size."""
    def level(prefix):
        out, names = b"", sorted({p[len(prefix) :].split("/")[0] for p in tree if p.startswith(prefix) and p != prefix})
        for name in names:
            data = tree[prefix + name]
            out += named(4, name, level(prefix + name + "/")) if data is None else named(5, name, record(2, data))
        return out
    payload = level("")
    width = len(varuint(len(payload)))
    return image(payload, width + (3 + width + len(payload)) % 2)


def openmv(files, align):
    """As OpenMV's tools/mkromfs.py lays out a flat list of (name, contents)."""
    out = b""
    for name, data in files:
        head = varuint(len(name)) + name.encode("ascii")
        fixed = 16 + len(out) + 8 + len(head) + 1 + len(varuint(len(data)))
        a = align(name)
        body = head + b"\x02" + b"\x80" * (-fixed % a) + varuint(len(data)) + data
        out += b"\x05" + varuint(len(body), 7) + body
    return image(out, 13)


def rich(seed):
    """Shared contents in a pool and in another file, unknown kinds at every level, comments, records around contents."""
    r = random.Random(seed)
    pool = r.randbytes(300)
    head = record(1, b"made by a test") + record(2, pool) + record(77, b"unknown at the root")
    at = head.index(pool)
    inner = r.randbytes(200)

    def pointer(offset, size):
        return record(3, varuint(size) + varuint(offset))
    body = named(5, "b.bin", record(1, b"note") + record(900, b"in front") + record(2, inner) + record(901, b"behind"))
    inner_at = len(head) + body.index(inner)
    rest = (named(5, "whole", pointer(at, 300)) + named(5, "part", pointer(at + 64, 100)) +
            named(4, "d", record(78, b"unknown in a directory") + named(5, "same", pointer(inner_at, 200)) +
                  named(5, "piece", pointer(inner_at + 8, 32)) + named(5, "empty", pointer(0, 0)) +
                  named(4, "e", named(5, "deep", record(2, b"deep")))) +
            named(5, "across", pointer(2, 40)) + named(5, "across2", pointer(10, 40)))
    return image(head + body + rest)
