"""What is wrong, or worth knowing, about a network file: one finding each, with file, line, key, what was found and what is allowed."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from tranship.core.errors import InputError

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
MOST_PER_RULE = 25
"""Findings of one rule that are listed for one file; the rest become one line with their number."""
RULES = {
    # reading
    "no_file": "A file is not there or cannot be read.",
    "not_toml": "The file is not TOML, or not UTF-8.",
    "not_csv": "A SKU or stock file is not CSV, or a row has another number of cells than the header.",
    "unknown_table": "A table that no network file has.",
    "unknown_key": "A key that its table does not have.",
    "unknown_column": "A column that is not read.",
    "missing_table": "A table that every network file has is not there.",
    "missing_key": "A key or cell that must be written is not there.",
    "missing_column": "A column that the file must have is not there.",
    "wrong_table": "One table where there may be many, or the other way round.",
    "bad_value": "A value of the wrong type, out of range, or not one of the allowed words.",
    "too_many": "More or larger than the limit.",
    "duplicate": "The same code, cap, column or cell twice.",
    "no_such": "A reference to a network, node, channel, card or article that is not there.",
    "no_row": "A file of observed transit times without a row.",
    "encoding": "A SKU or stock file is not UTF-8 and was read as latin-1.",
    # articles
    "bundle": "Parts of a bundle are not there, are bundles themselves, or a bundle is said to have stock.",
    "no_weight": "Articles without a weight.",
    "nobody": "Articles that no open node stocks or may ship.",
    "capped_only": "Articles that only a capped network stocks or may ship.",
    # places
    "closed": "A closed node, or a network or file with nothing but closed nodes.",
    "no_node": "A network without a node, or must-rules that leave a channel none.",
    "cutoff": "A cut-off in the night.",
    "unknown_zip": "A ZIP code that is not known.",
    "other_state": "The ZIP code is in another state.",
    "other_zone": "The ZIP code is in another time zone.",
    "abroad": "A node outside the US.",
    # channels, cards, sources, policy
    "no_service": "A channel's service that no open node offers.",
    "on_platform": "A channel that no cap ever counts.",
    "unused": "A rate card that no node uses.",
    "no_rate": "A source in another currency without a rate.",
    "no_state": "A preference for the same state, and nodes without a state.",
    # connections, alerts
    "no_kind": "A connection of a kind that is not there, or settings that its kind cannot use.",
    "no_proof": "A claim of an interface on which safety rests, without a valid proof.",
    "unproven": "A claim that only our own sandbox has shown, never the vendor.",
    "no_location": "Nodes behind one connection without the network's own id: its counts of stock cannot be told apart.",
    "no_connection": "A connection that no node uses.",
    "untold": "Alerts that reach nobody: a contact without an address, or connections without a contact.",
    # caps
    "no_feasible_split": "Caps that no split of a channel's orders can keep.",
    "no_room": "A window so small, or a reserve so large, that the cap leaves no room.",
    "cap_counts_nothing": "A cap that counts no node.",
    "name_only": "Independence that is only a name: an operator, carrier, building or region shared with the capped side.",
    # leak budgets
    "leak_no_other": "A leak budget, and no open node of another network.",
    "leak_only": "Articles that only a network with a leak budget stocks or may ship.",
    "leak_prices": "A leak budget and prices that look ahead: prices do not know of budgets.",
    "leak_forecast": "A growth forecast that leaves out more than a tenth of the articles.",
    "leak_contradicts": "A leak budget that a cap, a must-rule or another setting works against.",
    "peak": "Capacity that does not carry the busiest day, in all or of the independent nodes.",
}
"""Every rule that a finding can name, and what it says."""
_WORDS_SHOWN = 12
_TABLES = re.compile(r"^\s*\[\[\s*([^\[\]]+?)\s*\]\]")
_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*([\w-]+|"[^"]*"|'[^']*')\s*[=.]""")


class Finding(msgspec.Struct, frozen=True):
    """One fact about the file. `rule` is a stable word for machines; `where` names file, line and key; `hint` says what is allowed."""

    level: Level
    rule: str
    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" {sentence(self.hint)}." if self.hint else ""
        return f"{self.level}: {self.where}: {self.what}.{hint}"


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


class NetworkFileError(InputError):
    """A network file that cannot be used; `findings` holds every error and warning that was found, not only the first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in findings if finding.level == "error"]
        if len(errors) == 1:
            super().__init__(errors[0].what, where=errors[0].where, hint=sentence(errors[0].hint))
        else:
            super().__init__(f"{len(errors)} errors" + "".join(f"\n  {finding}" for finding in errors))


class Findings:
    """Collects findings of one run. Above `MOST_PER_RULE` of one rule in one file the rest is counted, not listed."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._count: dict[tuple[Level, str, str], int] = {}

    def add(self, level: Level, rule: str, where: str, what: str, hint: str = "") -> None:
        """Keep one finding."""
        assert rule in RULES, rule
        key = (level, rule, where.split(":", 1)[0])
        self._count[key] = self._count.get(key, 0) + 1
        if self._count[key] <= MOST_PER_RULE:
            self._found.append(Finding(level, rule, where, what, hint))

    def error(self, rule: str, where: str, what: str, hint: str = "") -> None:
        """Keep an error: the file cannot be used."""
        self.add("error", rule, where, what, hint)

    def warning(self, rule: str, where: str, what: str, hint: str = "") -> None:
        """Keep a warning: the file can be used, and probably does not say what was meant."""
        self.add("warning", rule, where, what, hint)

    @property
    def failed(self) -> bool:
        """Whether an error was found."""
        return any(level == "error" for level, _, _ in self._count)

    def listed(self) -> list[Finding]:
        """Errors first, then warnings, then notes; in the order they were found, with what was counted only at the end of its level."""
        rest = [
            Finding(level, rule, file, f"{count - MOST_PER_RULE:,} more of this kind ({rule})")
            for (level, rule, file), count in self._count.items()
            if count > MOST_PER_RULE
        ]
        return sorted([*self._found, *rest], key=lambda finding: LEVELS.index(finding.level))


class Places:
    """Line numbers of tables and keys in a TOML text, so that a finding says where to look. Best effort: never an error.

    Tables of an array are counted from 1, as people count: the second [[node]] is `node[2]`.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines: dict[str, int] = {}
        counts: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if match := _TABLES.match(line):
                name = _dotted(match[1])
                counts[name] = counts.get(name, 0) + 1
                table = f"{name}[{counts[name]}]"
                self._lines.setdefault(name, number)
            elif match := _TABLE.match(line):
                table = _dotted(match[1])
            elif match := _KEY.match(line):
                name = match[1].strip("\"'")
                self._lines.setdefault(f"{table}.{name}" if table else name, number)
                continue
            else:
                continue
            self._lines.setdefault(table, number)

    def where(self, path: str) -> str:
        """`tranship.toml:41: node[2].zone`; the line of the table where the key itself is not written."""
        step = path
        while step and step not in self._lines:
            step = step[: max(step.rfind("."), step.rfind("["), 0)]
        line = f":{self._lines[step]}" if step else ""
        return f"{self.file}{line}: {path}" if path else self.file


def _dotted(header: str) -> str:
    return ".".join(part.strip(" \"'") for part in header.split("."))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be, or empty."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""


def allowed(word: str, known: Sequence[str] | Mapping[str, object], of: str = "known") -> str:
    """A hint: the nearest known word, then the known words (the first dozen)."""
    names = list(known)
    close = nearest(word, names)
    listed = ", ".join(names[:_WORDS_SHOWN]) + (
        f" and {len(names) - _WORDS_SHOWN} more" if len(names) > _WORDS_SHOWN else ""
    )
    suggestion = f'did you mean "{close}"? ' if close else ""
    return f"{suggestion}{sentence(of)}: {listed or 'none'}"


def shown(value: object) -> str:
    """A value as the file would write it, shortened."""
    text = msgspec.json.encode(value).decode() if isinstance(value, str | bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def listed(words: Sequence[str], most: int = 8) -> str:
    """The first words of a list, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    return ", ".join(words[:most]) + (f" and {len(words) - most:,} more" if len(words) > most else "")
