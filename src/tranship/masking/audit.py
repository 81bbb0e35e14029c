"""The audit: one row for each message that left, came in or was refused, chained so that no row can be changed or taken out unseen.

Rows say which leaf was treated how, under which policy, about whose order; never a value. Whether two rows speak of the same value
can be told by a fingerprint under the person's own key: once the person is erased it means nothing, and the row stays true.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from tranship.core.errors import InputError
from tranship.masking.rows import AuditRow

SENT = "sent"
REFUSED = "refused"
RECEIVED = "received"
QUARANTINED = "quarantined"
"""Verdicts. `sent`: these fields left, or were about to when the row was written; the others say that nothing of ours was told."""

FINGERPRINT_BYTES = 16
TEXT_MOST = 300
"""Signs of any text in a row: ids, words and routes are short, and nothing else belongs there."""

Field = tuple[str, str, bytes]
"""Leaf, action, and a fingerprint of the value (16 bytes, or none)."""

_encode = msgspec.msgpack.Encoder().encode
_TEXTS_OF = itemgetter(*(at for at, (_, kind) in enumerate(AuditRow.__annotations__.items()) if kind is str))
_decode = msgspec.msgpack.Decoder(list[Field]).decode
_MARKS = frozenset({0, FINGERPRINT_BYTES})
_GENESIS = hashlib.sha256(b"tranship audit 1").digest()
_ANCHOR = re.compile(r"tranship-audit-1 (?P<day>\d{4}-\d\d-\d\d) (?P<seq>\d{1,18}) (?P<chain>[0-9a-f]{64})")


class AuditDraft(NamedTuple):
    """A row that has no place in the chain yet: the writer gives it one (`Chain`). `at` is UTC microseconds.

    `op` and `route` are the policy's names, never the path that was asked for; `subject` is our own order or remote id.
    """

    at: int
    actor: str
    op: str
    network: str
    route: str
    policy: str
    subject: str
    person_id: str
    fields: Sequence[Field]
    verdict: str


def fingerprint(person_key: bytes, leaf: str, value: str) -> bytes:
    """What tells two values of one person and leaf apart, and nothing once the person's key is gone; none without a key."""
    return marked(lambda text: hmac.digest(person_key, text, "sha256"), leaf, value) if person_key else b""


def marked(mac: Callable[[bytes], bytes], leaf: str, value: str) -> bytes:
    """The same where the HMAC-SHA256 under the person's key is at hand."""
    said = leaf.encode()
    return mac(b"tranship audit fingerprint 1" + len(said).to_bytes(4, "big") + said + value.encode())[
        :FINGERPRINT_BYTES
    ]


class Chain:
    """The end of an audit. One writer holds it: drafts become rows, and the end moves once they are committed."""

    def __init__(self, last: tuple[int, bytes]) -> None:
        """`last` is the store's `last_audit()`."""
        self.seq, self.head = last

    def rows(self, drafts: Iterable[AuditDraft]) -> list[AuditRow]:
        """The rows that follow the end; the end itself stays until `committed`. ValueError for a draft that holds what no row may."""
        seq, head, found = self.seq, self.head or _GENESIS, []
        for draft in drafts:
            seq += 1
            said = (seq, *draft[:8], packed(draft.fields), draft.verdict)
            if max(map(len, _TEXTS_OF(said))) > TEXT_MOST:
                raise ValueError(f"a text of an audit row has more than {TEXT_MOST} signs")
            head = _linked(head, said)
            found.append(AuditRow(*said, head))
        return found

    def committed(self, rows: Sequence[AuditRow]) -> None:
        """These rows are in the store."""
        if rows:
            self.seq, self.head = rows[-1].seq, rows[-1].chain


def link(chain: bytes, row: AuditRow) -> bytes:
    """The chain value after a row."""
    return _linked(chain, row[:-1])


def _linked(chain: bytes, said: tuple[object, ...]) -> bytes:
    return hashlib.sha256(chain + _encode(said)).digest()


def packed(fields: Sequence[Field]) -> bytes:
    """Fields as a row keeps them. ValueError where a fingerprint is not 16 bytes (it would be a value)."""
    if fields:  # by columns: this is done for every field of every message
        leaves, actions, marks = zip(*fields, strict=True)
        if max(map(len, leaves + actions)) > TEXT_MOST or not _MARKS.issuperset(map(len, marks)):
            raise ValueError("a field of an audit row holds something that is no leaf, action and fingerprint")
    return _encode(list(fields))


def unpacked(row: AuditRow) -> list[Field]:
    """A row's fields; none where they cannot be read (`check` says so)."""
    try:
        return _decode(row.fields)
    except msgspec.MsgspecError:
        return []


class Checked(NamedTuple):
    """What became of a check: how many rows are good, where the audit ends, and what is wrong (empty: nothing)."""

    rows: int
    seq: int
    chain: bytes
    wrong: str

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


def check(rows: Iterable[AuditRow], last: tuple[int, bytes], anchors: Sequence["Anchor"] = ()) -> Checked:
    """Compute the chain anew over all rows, and hold it against where the store left it and against anchors kept elsewhere.

    `wrong` names the first bad row.
    """
    chain, count, kept = _GENESIS, 0, {anchor.seq: anchor for anchor in anchors}
    for row in rows:
        if row.seq != count + 1:
            return Checked(count, count, chain, f"audit row {count + 1} is missing: the next one found is {row.seq}")
        found = link(chain, row)
        if found != row.chain:
            return Checked(count, count, chain, f"audit row {row.seq} was changed: it does not match its chain value")
        chain, count = found, count + 1
        anchor = kept.pop(count, None)
        if anchor is not None and anchor.chain != chain:
            return Checked(
                count,
                count,
                chain,
                f"audit row {count} is not the one that was anchored on {anchor.day}: all was made anew",
            )
    if last != ((count, chain) if count else (0, b"")):
        return Checked(
            count,
            count,
            chain,
            f"the audit ends at row {count}, it was left at row {last[0]}: rows at its end are gone, or were changed",
        )
    for anchor in kept.values():
        if anchor.seq:
            return Checked(
                count,
                count,
                chain,
                f"row {anchor.seq} was anchored on {anchor.day}, the audit ends at row {count}: its end is gone",
            )
    return Checked(count, count, chain, "")


class Anchor(NamedTuple):
    """Where an audit ended on a day, to be kept where who writes the store cannot reach."""

    day: str
    seq: int
    chain: bytes

    @classmethod
    def of(cls, last: tuple[int, bytes], now: int) -> "Anchor":
        """The end of an audit, and the day of `now` (UTC microseconds)."""
        return cls(dt.datetime.fromtimestamp(now / 1e6, dt.UTC).date().isoformat(), last[0], last[1])

    def __str__(self) -> str:
        return f"tranship-audit-1 {self.day} {self.seq} {self.chain.hex() or '0' * 64}"


def anchors_in(text: str, where: str) -> list[Anchor]:
    """The anchors of a file, one a line; empty lines and lines with # are passed over. InputError for any other line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        match = _ANCHOR.fullmatch(said)
        if match is None:
            hint = "`tranship audit anchor RUN` prints such lines"
            raise InputError(f"line {number} is no anchor", where=where, hint=hint)
        found.append(Anchor(match["day"], int(match["seq"]), bytes.fromhex(match["chain"])))
    return found
