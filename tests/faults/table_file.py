"""expected.tsv as rows: the faults, and what must become of them.  What the columns mean is said in table.py."""
import os

COLUMNS = ["board", "recipe", "fault", "step", "verdict", "code", "ends", "retries", "rows", "neighbours", "flash"]
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.tsv")


def read_table(words=()):
    with open(TABLE) as f:
        lines = [line.rstrip("\n").split("\t") for line in f if line.strip() and line[0] != "#"]
    if lines.pop(0) != COLUMNS:
        raise AssertionError(f"the columns of {TABLE} are not {COLUMNS}")
    rows = []
    for number, cells in enumerate(lines, 1):
        if len(cells) != len(COLUMNS) or not all(cells) or "any" in cells:
            raise AssertionError(f"row {number}: {cells}")
        row = dict(zip(COLUMNS, cells))
        if not words or any(w in "\t".join(cells) for w in words):
            rows.append(row)
    return rows
