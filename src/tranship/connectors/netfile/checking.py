"""`tranship check`: everything that can be told about a network file before a single order is routed."""

from collections.abc import Sequence
from pathlib import Path

from tranship.connectors.netfile.finding import Finding
from tranship.connectors.netfile.ground import Ground
from tranship.connectors.netfile.loading import read_draft
from tranship.connectors.netfile.rules import deeper_rules


def check(path: Path | str, on: Sequence[tuple[int, int]] | None = None) -> list[Finding]:
    """All findings about a network file: errors first, then warnings, then notes. Empty: nothing to say.

    `on` are units ordered by day, `(day number, units)`, as a file of orders shows them; its busiest working day takes the place of
    `peak_per_day`. Never raises for what a file says: a file that cannot be read is a finding too.
    """
    draft = read_draft(Path(path))
    if draft.network is not None:
        deeper_rules(Ground(draft.network, draft.stock, draft.places, draft.findings), on)
    return draft.findings.listed()
