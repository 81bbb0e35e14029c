"""Why an order ships from where it ships, in one line. The whole story is `explain`'s; this is what a table has room for."""

from tranship.core.network import NetworkFile
from tranship.routing.model import Alternative, Decision

RULED_OUT = {
    "cap": "the share cap has no room",
    "reserve": "its last places are kept for orders only it can fill",
    "tier": "a preference rules it out",
}
"""What spoke against an alternative, other than its cost."""


def reason_words(network: NetworkFile, decision: Decision) -> str:
    """One sentence: the best other way and what spoke against it, or that there was none."""
    if not decision.parts:
        return "nothing can ship now"
    words = _compared(network, decision)
    if len(decision.parts) > 1:
        return f"split over {len(decision.parts)}: {words}"
    return words


def _compared(network: NetworkFile, decision: Decision) -> str:
    cost = sum(part.cost for part in decision.parts)
    for other in decision.why.alternatives:
        if other.ruled_out in RULED_OUT:
            gap = f" {_amount(cost - other.cost)} less" if 0 <= other.cost < cost else ""
            return (
                f"{_names(network, other)} would cost{gap}; {RULED_OUT[other.ruled_out]}"
                if gap
                else (f"not {_names(network, other)}: {RULED_OUT[other.ruled_out]}")
            )
    cheaper = [other for other in decision.why.alternatives if 0 <= other.cost < cost]
    if cheaper:
        price = max((gate.price for gate in decision.why.gates), default=0)
        room = f"room under the cap is priced at {_amount(price)}" if price else "it is needed elsewhere"
        return f"{_names(network, cheaper[0])} would cost {_amount(cost - cheaper[0].cost)} less; {room}"
    dearer = [other for other in decision.why.alternatives if other.cost >= cost]
    if dearer:
        gap = dearer[0].cost - cost
        return (
            f"{_amount(gap)} less than {_names(network, dearer[0])}"
            if gap
            else f"as cheap as {_names(network, dearer[0])}"
        )
    return "the only way to ship it"


def _names(network: NetworkFile, other: Alternative) -> str:
    return " + ".join(network.nodes[n].code for n in other.nodes)


def _amount(micros: int) -> str:
    return f"{micros / 1e6:,.2f}"
