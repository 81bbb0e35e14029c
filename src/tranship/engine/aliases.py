"""SKU aliases: what a network calls an article instead of the brand's own code, per epoch, with the state of its registration.

An alias is made, asked for at the network (a listing, a product import), registered there, and only then written into orders. One of an
older epoch is still understood when the network speaks of it, until it is retired. No alias is ever used twice: neither for another
article, nor at another network, nor after it was retired.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from tranship.core.errors import InputError
from tranship.engine import events as ev
from tranship.engine.network_commands import AliasStep, SetAliases

if TYPE_CHECKING:
    from tranship.engine.state import State

STEPS = ("new", "requested", "registered", "active", "retired")
"""States, in the order that they may be passed in; some may be left out, none comes again."""
ACTIVE, RETIRED = "active", "retired"
SHAPE = re.compile(r"[A-Z0-9-]{4,40}")
"""What every network takes as a code: no blanks, no lower case, no sign that has to be escaped in a path."""
MOST = 10_000
"""Aliases in one command."""


class AliasState(msgspec.Struct, frozen=True, array_like=True):
    """One alias as it stands. `since` is when it came into this state."""

    network: str
    sku: int
    epoch: int
    state: str
    since: int


class Aliases:
    """All aliases of a party. Changed by `evolve` only."""

    def __init__(self) -> None:
        self.held: dict[str, AliasState] = {}
        self._active: dict[tuple[str, int], dict[str, None]] = {}  # (network, SKU) -> those that are active

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aliases) and (self.held, self._active) == (other.held, other._active)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def written(self, network: str, sku: int) -> str:
        """What new orders call the article there: the active alias of the newest epoch; "" where there is none."""
        return max(self._active.get((network, sku), ()), key=self._age, default="")

    def _age(self, alias: str) -> tuple[int, int, str]:
        held = self.held[alias]
        return held.epoch, held.since, alias

    def understood(self, network: str) -> dict[str, int]:
        """Every alias that the network may speak of, with its article: all but the retired."""
        return {name: held.sku for name, held in self.held.items() if held.network == network and held.state != RETIRED}

    def put(self, alias: str, fresh: AliasState) -> None:
        """An alias came into a state."""
        self.held[alias] = fresh
        key = (fresh.network, fresh.sku)
        if fresh.state == ACTIVE:
            self._active.setdefault(key, {})[alias] = None
        elif key in self._active:
            self._active[key].pop(alias, None)


def set_aliases(state: "State", command: SetAliases) -> Iterator[ev.Event]:
    """Bring aliases into a state. InputError, before anything changes, for a shape, an article or a step that cannot be."""
    _check(state, command)
    fresh = tuple(row for row in command.rows if _changes(state, row))
    yield ev.Took(command, command.at)
    if fresh:
        yield ev.AliasesSet(command.network, fresh, command.at)


def _changes(state: "State", row: AliasStep) -> bool:
    held = state.aliases.held.get(row.alias)
    return held is None or held.state != row.state


def _check(state: "State", command: SetAliases) -> None:
    network = state.require_network()
    known = [each.code for each in network.networks]
    if command.network not in known:
        raise InputError(f"unknown network {command.network!r}", where="alias", hint=f"Known: {', '.join(known)}.")
    if not 0 < len(command.rows) <= MOST:
        raise InputError(f"1 to {MOST:,} aliases at once, found {len(command.rows)}", where="alias")
    if len({row.alias for row in command.rows}) != len(command.rows):
        raise InputError("an alias is named twice", where="alias")
    codes = _codes(state)
    for row in command.rows:
        _check_row(state, command.network, row, codes)


def _codes(state: "State") -> set[str]:
    """Codes that an alias must not be: it would be taken for that article."""
    skus = state.require_network().skus
    return {sku.code for sku in skus} | {code for sku in skus for code in sku.codes.values()}


def _check_row(state: "State", network: str, row: AliasStep, codes: set[str]) -> None:
    where = f"alias {row.alias[:40]!r}"
    if not SHAPE.fullmatch(row.alias):
        raise InputError(
            "is not 4 to 40 of A-Z, 0-9 and -", where=where, hint="`tranship alias pool` makes random ones."
        )
    if row.sku not in state.skus:
        raise InputError(f"unknown SKU {row.sku!r}", where=where)
    if row.state not in STEPS:
        raise InputError(f"state {row.state!r}", where=where, hint=f"Allowed: {', '.join(STEPS)}.")
    if row.epoch < 1:
        raise InputError("an epoch is 1 or more", where=where)
    held = state.aliases.held.get(row.alias)
    if held is None:
        if row.alias in codes:
            raise InputError("is the code of an article", where=where, hint="An alias must not give it away.")
        return
    if (held.network, held.sku, held.epoch) != (network, state.skus[row.sku], row.epoch):
        what = f"stands for another article or epoch, or at {held.network}"
        raise InputError(what, where=where, hint="No alias is used twice; make a new one.")
    if STEPS.index(row.state) < STEPS.index(held.state):
        raise InputError(f"is {held.state}, and does not become {row.state} again", where=where)


def evolve_aliases(state: "State", event: ev.AliasesSet) -> list[int]:
    """Apply; the positions of articles that have an alias to be written under now, and had none."""
    found = []
    for row in event.rows:
        sku = state.skus[row.sku]
        had = state.aliases.written(event.network, sku)
        state.aliases.put(row.alias, AliasState(event.network, sku, row.epoch, row.state, event.at))
        if not had and state.aliases.written(event.network, sku):
            found.append(sku)
    return found
