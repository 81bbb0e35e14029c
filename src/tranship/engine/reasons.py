"""Why an order ships from where it ships, in one line. The whole story is `explain`'s; this is what a table has room for."""

from tranship.core.network import NetworkFile
from tranship.routing.model import Alternative, Decision

RULED_OUT = {
    "cap": "no room under the cap",
    "reserve": "its last room is kept in reserve",
    "tier": "another is preferred",
}
"""What spoke against an alternative, other than its cost."""


def reason_words(network: NetworkFile, decision: Decision) -> str:
    """One line: the best other way and what spoke against it, or that there was none."""
    if not decision.parts:
        return "nothing can ship now"
    words = _compared(network, decision)
    return f"split in {len(decision.parts)}; {words}" if len(decision.parts) > 1 else words


def _compared(network: NetworkFile, decision: Decision) -> str:
    cost = sum(part.cost for part in decision.parts)
    others = decision.why.alternatives
    for other in others:
        if other.ruled_out in RULED_OUT:
            less = f", {_amount(cost - other.cost)} less" if 0 <= other.cost < cost else ""
            return f"{_names(network, other)}{less}: {RULED_OUT[other.ruled_out]}"
    cheaper = next((other for other in others if 0 <= other.cost < cost), None)
    if cheaper is not None:
        why = _kept_back(network, decision, cheaper)
        return f"{_names(network, cheaper)}, {_amount(cost - cheaper.cost)} less: {why}"
    dearer = next((other for other in others if other.cost > cost), None)
    if dearer is not None:
        return f"{_amount(dearer.cost - cost)} less than {_names(network, dearer)}"
    alike = next((other for other in others if other.cost == cost), None)
    return f"as cheap as {_names(network, alike)}" if alike is not None else "the only way to ship it"


def _kept_back(network: NetworkFile, decision: Decision, cheaper: Alternative) -> str:
    """What a cheaper way would have used up."""
    by_count = {cap.network for cap in network.caps if cap.measure == "fulfillment_orders"}
    there = {network.nodes[n].network for n in cheaper.nodes}
    price = max((gate.price for gate in decision.why.gates if gate.network in there), default=0)
    if not price and decision.why.prices:
        return "its stock is worth more to orders to come"
    if not price:
        price = max((gate.price for gate in decision.why.gates), default=0)
    if not price:
        return "it is needed elsewhere"
    counted = all(gate.network in by_count for gate in decision.why.gates if gate.price)
    return f"cap room is worth {_amount(price)}" if counted else "cap room is worth more"


def _names(network: NetworkFile, other: Alternative) -> str:
    return " + ".join(network.nodes[n].code for n in other.nodes)


def _amount(micros: int) -> str:
    return f"{micros / 1e6:,.2f}"
