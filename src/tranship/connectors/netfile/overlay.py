"""An overlay: a small TOML file that says how one variation of a run's network file differs. What `tranship try` reads.

It has the network file's own tables and keys, checked as there: what it does not write stays as the run had it. Places, articles and
channels are those of the run (stock and orders are, too); caps and rate cards may also be new. Reference: docs/trying.md.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from tranship.connectors.netfile import keys, keys_live
from tranship.connectors.netfile.connections import without_hold
from tranship.connectors.netfile.finding import Findings, NetworkFileError, allowed, shown
from tranship.connectors.netfile.foreign import card_names, check_cards, check_policy
from tranship.connectors.netfile.ground import Ground
from tranship.connectors.netfile.loading import Draft, toml_of
from tranship.connectors.netfile.reading import Reader, Values, duplicates
from tranship.connectors.netfile.rules import file_rules
from tranship.connectors.netfile.schema import Key, Table
from tranship.core.capability import Connection
from tranship.core.errors import InputError
from tranship.core.network import LeakBudget, NetworkFile, ShareCap
from tranship.core.time import date_to_day
from tranship.rates.cards import raw_card

T = TypeVar("T", bound=msgspec.Struct)
_FIXED = {
    "node": ("network", "zip", "zone", "state", "country", "connection", "location"),
    "connection": ("kind", "settings", "secrets"),
}
"""Keys that make a place what it is: another value would be another place, which had none of the run's stock."""

# One key a line reads best, wider than code.
# fmt: off
_DOWN = (
    Key("closed_from", "date", "First day (UTC) on which it takes no new orders."),
    Key("closed_until", "date", "First day on which it takes orders again; not written: to the end."),
)
VARIATION = Table("variation", "one", "What people call it.", (
    Key("name", "text", "Its name in reports; else the file's."),
    Key("note", "text", "What it is meant to show."),
), as_written=True)
CAP = replace(keys.CAP, as_written=True, meaning="A change of one network's cap, or a new cap.", keys=(
    *keys.CAP.keys, Key("remove", "bool", "The cap is gone."),
))
LEAK = replace(
    keys.LEAK, as_written=True, meaning="A change of one network's leak budget, or a new one; 100 is none. A forecast stays the run's.",
    keys=tuple(key for key in keys.LEAK.keys if key.kind != "path"),
)
CARD = replace(keys.CARD, meaning="Changed prices of a card, or a new card.", keys=(
    *keys.CARD.keys,
    Key("change_pct", "number", "Its list prices by so many percent: 10 is a tenth dearer. Fees stay.", low=-90, high=900),
))
# fmt: on


def _changes(table: Table, more: Sequence[Key] = ()) -> Table:
    kept = [key for key in table.keys if key.name not in _FIXED.get(table.name, ())]
    return replace(
        table, keys=(*kept, *more), as_written=True, meaning=f"A change of one {table.name}, found by its code."
    )


CONNECTION, HEALTH = _changes(keys_live.CONNECTION), replace(keys_live.HEALTH, as_written=True)
NETWORK, NODE, CHANNEL = _changes(keys.NETWORK, _DOWN), _changes(keys.NODE, _DOWN), _changes(keys.CHANNEL)
POLICY = replace(keys.POLICY, as_written=True)
PROMISE = replace(
    keys.PROMISE, as_written=True, keys=tuple(key for key in keys.PROMISE.keys if key.kind != "path")
)  # what was observed is the run's
OVERLAY_TABLES = (VARIATION, POLICY, PROMISE, CAP, LEAK, NODE, NETWORK, CHANNEL, CARD, CONNECTION, HEALTH)
"""What an overlay may have."""


@dataclass(frozen=True)
class Outage:
    """A node that takes no new orders on the days `first` to `until - 1` (day numbers; None: to the end)."""

    node: str
    first: int
    until: int | None


@dataclass
class Overlay:
    """One variation as written, checked as far as that goes without the network file it is for. `bind` does the rest."""

    name: str
    note: str
    draft: Draft
    policy: Values = field(default_factory=dict)
    promise: Values = field(default_factory=dict)
    many: dict[str, list[tuple[str, Values]]] = field(default_factory=dict)
    cards: dict[str, Values] = field(default_factory=dict)
    connections: dict[str, Values] = field(default_factory=dict)
    health: Values = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        named = self.cards or self.connections
        return not (self.policy or self.promise or self.health or named or any(self.many.values()))

    def bind(self, network: NetworkFile) -> tuple[NetworkFile, tuple[Outage, ...]]:
        """The network file with the changes in it, and the nodes that are down for a time.

        Raises NetworkFileError naming file, line and key of every change that this network file cannot take.
        """
        findings = Findings()
        for finding in self.draft.findings.listed():
            findings.add(finding.level, finding.rule, finding.where, finding.what, finding.hint)
        changed, outages = _Binding(self, network, findings).done()
        if findings.failed:
            raise NetworkFileError([one for one in findings.listed() if one.level == "error"])
        return changed, outages


def read_overlay(path: Path | str) -> Overlay:
    """Read an overlay. Raises NetworkFileError with every error of the file that shows without the run's network file."""
    draft = Draft(Path(path))
    document = toml_of(draft, "a TOML file with what is to be changed: see docs/trying.md")
    if document is None:
        raise NetworkFileError(draft.findings.listed())
    reader = Reader(document, draft.places, draft.findings, OVERLAY_TABLES)
    variation = reader.one(VARIATION)
    overlay = Overlay(str(variation.get("name") or draft.path.stem), str(variation.get("note") or ""), draft)
    overlay.policy, overlay.promise = reader.one(POLICY), reader.one(PROMISE)
    overlay.many = {table.name: reader.many(table) for table in (CAP, LEAK, NODE, NETWORK, CHANNEL)}
    overlay.cards, overlay.connections = reader.named(CARD), reader.named(CONNECTION)
    overlay.health = reader.one(HEALTH)
    _check_alone(overlay)
    if draft.findings.failed:
        raise NetworkFileError(draft.findings.listed())
    return overlay


def _check_alone(overlay: Overlay) -> None:
    places, findings = overlay.draft.places, overlay.draft.findings
    for name in ("node", "network", "channel"):
        for path, values in overlay.many[name]:
            if "code" not in values:
                findings.error("missing_key", places.where(path), f"[[{name}]] lacks code", f"the {name} to change")
        duplicates([(path, v.get("code")) for path, v in overlay.many[name]], f"{name} code", places, findings)
    for path, values in overlay.many["node"] + overlay.many["network"]:
        first, until = values.get("closed_from"), values.get("closed_until")
        if isinstance(until, dt.date) and not isinstance(first, dt.date):
            where = places.where(f"{path}.closed_until")
            findings.error("missing_key", where, "closed_until without closed_from", "the first day it is down")
        if isinstance(first, dt.date) and isinstance(until, dt.date) and until <= first:
            where = places.where(f"{path}.closed_until")
            findings.error("bad_value", where, f"{until} is not after {first}", "the first day it is open again")
        if isinstance(first, dt.date) and "closed" in values:
            findings.error(
                "bad_value", places.where(f"{path}.closed"), "closed for a time and altogether", "one of them"
            )


class _Binding:
    """An overlay on its way into a network file."""

    def __init__(self, overlay: Overlay, network: NetworkFile, findings: Findings) -> None:
        self.overlay, self.network, self.findings = overlay, network, findings
        self.places = overlay.draft.places
        self.outages: list[Outage] = []

    def done(self) -> tuple[NetworkFile, tuple[Outage, ...]]:
        """The changed file; what cannot be is in the findings."""
        network = self.network
        cards = {**network.cards, **{name: self._card(name, values) for name, values in self.overlay.cards.items()}}
        known = card_names(cards)
        changed = msgspec.structs.replace(
            network,
            policy=msgspec.structs.replace(network.policy, **self.overlay.policy),
            promise=msgspec.structs.replace(network.promise, **self.overlay.promise),
            networks=self._coded("network", network.networks, self._network),
            nodes=self._coded("node", network.nodes, lambda path, values: self._node(path, values, known)),
            channels=self._coded("channel", network.channels, self._channel),
            caps=self._caps(),
            leaks=self._leaks(),
            cards=cards,
            connections=self._connections(),
            health=msgspec.structs.replace(network.health, **self.overlay.health),
        )
        if not self.findings.failed:
            check_cards(cards, self.places, self.findings)
            check_policy(changed, self.places, self.findings)
        if not self.findings.failed and not self.overlay.empty:
            file_rules(Ground(changed, (), self.places, self.findings))
        return changed, tuple(self.outages)

    def _error(self, rule: str, path: str, what: str, hint: str) -> None:
        self.findings.error(rule, self.places.where(path), what, hint)

    def _coded(self, name: str, items: tuple[T, ...], prepared: Callable[[str, Values], Values]) -> tuple[T, ...]:
        codes = [str(getattr(item, "code")) for item in items]  # noqa: B009 - each of the three has one
        found = dict(zip(codes, items, strict=True))
        for path, values in self.overlay.many[name]:
            code = str(values["code"])
            if code in found:
                found[code] = msgspec.structs.replace(found[code], **prepared(path, dict(values)))
            else:
                why = " (a new one would have none of the run's stock)" if name == "node" else ""
                self._error(
                    "no_such", f"{path}.code", f"the run has no {name} {shown(code)}{why}", allowed(code, codes)
                )
        return tuple(found.values())

    def _node(self, path: str, values: Values, cards: Sequence[str]) -> Values:
        card = values.get("card")
        if isinstance(card, str) and card not in cards:
            self._error("no_such", f"{path}.card", f"no card is called {shown(card)}", allowed(card, cards))
        self._down(values, [str(values["code"])])
        return values

    def _network(self, _path: str, values: Values) -> Values:
        self._down(values, [node.code for node in self.network.nodes if node.network == values["code"]])
        return values

    def _down(self, values: Values, nodes: Sequence[str]) -> None:
        first, until = values.pop("closed_from", None), values.pop("closed_until", None)
        if isinstance(first, dt.date):
            last = date_to_day(until) if isinstance(until, dt.date) else None
            self.outages.extend(Outage(node, date_to_day(first), last) for node in nodes)

    def _channel(self, path: str, values: Values) -> Values:
        codes = [network.code for network in self.network.networks]
        for word in cast("tuple[str, ...]", values.get("on_platform_for", ())):
            if word not in codes:
                self._error("no_such", f"{path}.on_platform_for", f"no network {shown(word)}", allowed(word, codes))
        return values

    def _caps(self) -> tuple[ShareCap, ...]:
        caps: list[ShareCap | None] = list(self.network.caps)
        codes = [network.code for network in self.network.networks]
        said: dict[tuple[object, ...], str] = {}
        for path, values in self.overlay.many["cap"]:
            change, of = dict(values), values.get("network")
            meant = (of, values.get("measure"), values.get("counts"))
            if of is not None and meant in said:
                self._error("duplicate", path, f"the cap on {shown(of)} is there twice", f"first at {said[meant]}")
                continue
            said[meant] = path
            remove = change.pop("remove", False)
            if of not in codes:
                what = "[[cap]] lacks network" if of is None else f"no network is called {shown(of)}"
                self._error("missing_key" if of is None else "no_such", path, what, allowed(str(of or ""), codes))
                continue
            same = [i for i, cap in enumerate(caps) if cap is not None and cap.network == of]
            if len(same) > 1:
                same = [i for i in same if _meant(cast("ShareCap", caps[i]), change)]
            if len(same) > 1:
                self._error("duplicate", path, f"{of} has {len(same)} caps", "say measure and counts of the one meant")
            elif remove and (not same or len(change) > 1):
                what = f"{of} has no cap to remove" if not same else "remove beside other changes"
                self._error("bad_value", f"{path}.remove", what, "network and remove, nothing else")
            elif same:
                cap = cast("ShareCap", caps[same[0]])
                caps[same[0]] = None if remove else msgspec.structs.replace(cap, **change)
            elif "cap_bp" not in change:
                self._error("missing_key", path, f"a new cap on {of} lacks share", "in percent, as in share = 40")
            else:
                caps.append(ShareCap(**change))  # type: ignore[arg-type]  # each value was read as its key's kind
        return tuple(cap for cap in caps if cap is not None)

    def _leaks(self) -> tuple[LeakBudget, ...]:
        found = {budget.network: budget for budget in self.network.leaks}
        codes = [network.code for network in self.network.networks]
        for path, values in self.overlay.many["leak"]:
            of = str(values.get("network") or "")
            if of not in codes:
                what = "[[leak]] lacks network" if not of else f"no network is called {shown(of)}"
                self._error("missing_key" if not of else "no_such", path, what, allowed(of, codes))
                continue
            found[of] = msgspec.structs.replace(found.get(of, LeakBudget(of)), **values)
        return tuple(found.values())

    def _connections(self) -> tuple[Connection, ...]:
        found = {connection.code: connection for connection in self.network.connections}
        for code, values in self.overlay.connections.items():
            path, change = f"connection.{code}", dict(values)
            hold = change.pop("hold_release", None)
            if code not in found:
                self._error("no_such", path, f"the run has no connection {shown(code)}", allowed(code, list(found)))
                continue
            changed = msgspec.structs.replace(found[code], **change)
            if hold and not changed.capability.hold_release:
                self._error("bad_value", f"{path}.hold_release", "the run had no Hold there", "false, or leave it out")
            if hold is False:
                changed = msgspec.structs.replace(changed, capability=without_hold(changed.capability))
            if changed.hold_min < changed.release_min:
                self._error(
                    "bad_value", f"{path}.hold_min", f"{changed.hold_min} is less than release_min", "at least that"
                )
            found[code] = changed
        return tuple(found.values())

    def _card(self, name: str, values: Values) -> dict[str, object]:
        change = dict(values)
        percent = change.pop("change_pct", None)
        known = self.network.cards
        if name not in known and name not in card_names({}) and not ("base" in change or "type" in change):
            names = list(dict.fromkeys((*known, *(node.card for node in self.network.nodes))))
            self._error("no_such", f"card.{name}", f"no card is called {shown(name)}", allowed(name, names))
            return {}
        card = {**known.get(name, {} if "type" in change else {"base": name}), **change}
        if percent is not None:
            self._scale(name, card, float(cast("float", percent)))
        return card

    def _scale(self, name: str, card: dict[str, object], percent: float) -> None:
        """Prices by a percentage, through the discount: what is left of the list price grows by it."""
        path = f"card.{name}.change_pct"
        try:
            whole = raw_card({**self.network.cards, name: card}, name)
        except InputError as error:
            self._error("bad_value", f"card.{name}", error.what, error.hint)
            return
        versions = whole.get("versions")
        if isinstance(versions, list) and any("discount_pct" in one for one in versions):
            self._error(
                "bad_value", path, "its discount changes over time", "write versions with discount_pct yourself"
            )
            return
        discount = float(str(whole.get("discount_pct", 0)))
        new = round(100 - (100 - discount) * (1 + percent / 100), 2)
        if not -100 <= new <= 95:
            most = f"the discount of {discount:g} % would become {new:g} %; allowed: -100 to 95"
            self._error("bad_value", path, f"{percent:g} % is too much", most)
            return
        card["discount_pct"] = new


def _meant(cap: ShareCap, change: Values) -> bool:
    return all(change.get(name, getattr(cap, name)) == getattr(cap, name) for name in ("measure", "counts"))
