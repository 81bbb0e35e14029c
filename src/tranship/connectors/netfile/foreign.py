"""Tables and words of the file that other rooms read: rate cards, sources, routing rules. Each is checked by the room that reads it."""

from collections.abc import Mapping, Sequence
from typing import cast

from tranship.connectors.files.mapping import read_mapping
from tranship.connectors.netfile.finding import Findings, Places, allowed, shown
from tranship.connectors.netfile.reading import Values
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.rates.cards import check_card, packaged_cards, raw_card

Tables = Mapping[str, Values]


def card_names(cards: Tables) -> list[str]:
    """Cards that a node may name: those of the file, then the packaged ones."""
    return list(dict.fromkeys((*cards, *packaged_cards())))


def check_cards(cards: Tables, places: Places, findings: Findings) -> None:
    """An error for each card that cannot be read."""
    for name in cards:
        try:
            check_card(name, raw_card(cards, name))
        except InputError as error:
            _add(findings, places, f"card.{name}", error)


def check_sources(sources: Tables, currency: str, channels: Sequence[str], places: Places, findings: Findings) -> None:
    """An error for each source that cannot be read or names a channel that is not there; a warning where a rate is missing."""
    for name, values in sources.items():
        path = f"source.{name}"
        try:
            read_mapping(values)
        except InputError as error:
            _add(findings, places, path, error)
            continue
        words = [("channel", values.get("channel"))]
        renamed = values.get("channels")
        words += [("channels", word) for word in renamed.values()] if isinstance(renamed, dict) else []
        for key, word in words:
            if word and word not in channels:
                what = f"no channel is called {shown(word)}"
                findings.error("no_such", places.where(f"{path}.{key}"), what, allowed(str(word), channels))
        foreign = values.get("currency")
        if foreign and currency and foreign != currency and "rate" not in values:
            what = f"its prices are in {foreign} and there is no rate"
            hint = f"what one {foreign} is worth in {currency}, as in rate = 1.55"
            findings.warning("no_rate", places.where(f"{path}.currency"), what, hint)


def check_policy(network: NetworkFile, places: Places, findings: Findings) -> None:
    """An error for each word of `must` and `prefer` that routing does not know, or that names what is not there."""
    names = list(dict.fromkeys((*(node.code for node in network.nodes), *(net.code for net in network.networks))))
    channels = [channel.code for channel in network.channels]
    for rule in network.policy.must:
        verb, mark, rest = rule.partition(":")
        name, at, channel = rest.partition("@")
        where = places.where("policy.must")
        if verb not in {"only", "avoid"} or not mark:
            findings.error(
                "bad_value",
                where,
                f"{shown(rule)} is not a rule",
                "write only:NAME or avoid:NAME, with @CHANNEL behind it for one channel",
            )
        elif name not in names:
            findings.error("no_such", where, f"no node or network is called {shown(name)}", allowed(name, names))
        elif at and channel not in channels:
            findings.error("no_such", where, f"no channel is called {shown(channel)}", allowed(channel, channels))
    for word in network.policy.prefer:
        known = ["independent", "same_state", *names]
        if word.removeprefix("node:").removeprefix("network:") not in known:
            what = f"{shown(word)} is neither a preference nor a node or network"
            findings.error("no_such", places.where("policy.prefer"), what, allowed(word, known))
    stateless = [node.code for node in network.nodes if not node.state]
    if "same_state" in network.policy.prefer and stateless:
        what = (
            f"{', '.join(stateless[:5])}{' ...' if len(stateless) > 5 else ''} cannot be in the same state as anybody"
        )
        findings.warning("no_state", places.where("policy.prefer"), what, "give each [[node]] its state")


def reachable(network: NetworkFile, channel: str) -> Sequence[bool]:
    """For each node, whether the policy's must-rules leave it to a channel."""
    if not network.policy.must:
        return [True] * len(network.nodes)
    from tranship.routing.facts import must_mask  # the router itself says what its rules mean; loading it takes a while

    return cast("list[bool]", must_mask(network, channel).tolist())


def _add(findings: Findings, places: Places, path: str, error: InputError) -> None:
    """Another room's refusal as a finding: its `[card.NAME] key` becomes the path of the key in the file."""
    key = error.where.rpartition("] ")[2] if "] " in error.where else ""
    what = error.what
    first = what.partition(" ")[0]
    if not key and "source." in path:
        key = first
    findings.error("bad_value", places.where(f"{path}.{key}" if key else path), what, error.hint.rstrip("."))
