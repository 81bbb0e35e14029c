"""Aliases for people: the list as it stands, random ones for articles that have none, and the command that a request stands for."""

from collections.abc import Callable, Collection, Sequence

import msgspec

from tranship.core.errors import InputError
from tranship.core.time import from_micros
from tranship.engine import commands as cmd
from tranship.engine.aliases import MOST, RETIRED, STEPS
from tranship.engine.state import State
from tranship.masking.tokens import new_token
from tranship.store.port import Store

MOST_LISTED = 1_000
"""Aliases in one answer."""


class AliasNow(msgspec.Struct, frozen=True):
    """One alias as it stands; `since` when."""

    alias: str
    network: str
    sku: str
    epoch: int
    state: str
    since: str


class AliasList(msgspec.Struct, frozen=True):
    """Some aliases, by network, article and epoch; `more` where the limit cut the list: go on `after` the last alias."""

    aliases: tuple[AliasNow, ...]
    more: bool = False


def listed(
    store: Store, network: str = "", sku: str = "", state: str = "", limit: int = MOST_LISTED, after: str = ""
) -> AliasList:
    """Aliases in the order of their signs, filtered; InputError for a state that there is not."""
    if state and state not in STEPS:
        raise InputError("no such state", where="state", hint=f"There are {', '.join(STEPS)}.")
    wanted = [("network", network), ("sku", sku), ("state", state)]
    conditions = ["alias > ?", *(f"{name} = ?" for name, value in wanted if value)]
    values = [after, *(value for _, value in wanted if value)]
    rows = store.query(
        f"SELECT alias, network, sku, epoch, state, since FROM sku_alias WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own names
        " ORDER BY alias LIMIT ?",
        (*values, limit + 1),
    )
    return AliasList(tuple(_now(row) for row in rows[:limit]), len(rows) > limit)


def _now(row: tuple[object, ...]) -> AliasNow:
    alias, network, sku, epoch, state, since = row
    return AliasNow(str(alias), str(network), str(sku), int(str(epoch)), str(state), _moment(int(str(since))))


def _moment(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def told(state: State, network: str, names: Collection[str]) -> AliasList:
    """These aliases as they stand; one that is not there is left out."""
    skus, held = state.require_network().skus, state.aliases.held
    found = [(name, held[name]) for name in sorted(names) if name in held]
    rows = tuple(
        AliasNow(name, network, skus[each.sku].code, each.epoch, each.state, _moment(each.since))
        for name, each in found
    )
    return AliasList(rows)


def pool(
    state: State, network: str, skus: Sequence[str], epoch: int, at: int, new: Callable[[str], str] = new_token
) -> cmd.SetAliases:
    """A random alias with a check sign for each of these articles (none named: all) that has none in this epoch there yet.

    Epoch 0 is the newest that the network has aliases of. InputError where there is nothing to make.
    """
    articles = state.require_network().skus
    index = state.skus
    unknown = [code for code in skus if code not in index]
    if unknown:
        raise InputError(f"unknown SKU {unknown[0]!r}", where="alias")
    held = [each for each in state.aliases.held.values() if each.network == network]
    epoch = epoch or max((each.epoch for each in held), default=1)
    known = {each.sku for each in held if each.epoch == epoch and each.state != RETIRED}
    wanted = [code for code in (skus or [sku.code for sku in articles]) if index[code] not in known]
    if not wanted:
        raise InputError(f"every article has an alias of epoch {epoch}", where=f"alias pool {network}")
    rows = tuple(cmd.AliasStep(_fresh(state, new), code, epoch, "requested") for code in wanted[:MOST])
    return cmd.SetAliases(network, rows, at)


def _fresh(state: State, new: Callable[[str], str]) -> str:
    while (alias := new("sku")) in state.aliases.held:
        pass  # once in 2^59
    return alias


def stepping(state: State, network: str, aliases: Sequence[str], step: str, at: int) -> cmd.SetAliases:
    """The command that brings aliases which are there a step further. InputError names one that is not there."""
    rows = []
    for alias in aliases:
        held = state.aliases.held.get(alias)
        if held is None or held.network != network:
            raise InputError(f"{network} has no alias {alias[:40]!r}", where="alias")
        rows.append(cmd.AliasStep(alias, state.require_network().skus[held.sku].code, held.epoch, step))
    return cmd.SetAliases(network, tuple(rows), at)
