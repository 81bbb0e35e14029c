"""rejects.csv of a run: every line that was not accepted, of every file that was read, with where and why."""

import csv
from collections.abc import Sequence
from pathlib import Path

from tranship.connectors.files.model import Reject, Staged

HEADER = ("file", "line", "document", "reason", "detail", "file_sha256")


def save_rejects(path: Path, staged: Staged, refused: Sequence[Reject]) -> int:
    """Write the rejects of this file, keeping those of other files; returns how many lines of this file it holds."""
    kept: list[Sequence[str]] = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as held:
            kept = [row for row in csv.reader(held) if row and row[-1] not in (staged.sha256, HEADER[-1])]
    rows = sorted([*staged.rejects, *refused], key=lambda reject: reject.at_line)
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        writer.writerows(kept)
        writer.writerows(
            (staged.file, r.at_line, _safe(r.document), r.reason, _safe(r.detail), staged.sha256) for r in rows
        )
    part.replace(path)
    return len(rows)


def _safe(cell: str) -> str:
    """A spreadsheet must not run what a file of orders says."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
