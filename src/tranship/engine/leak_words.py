"""What a leak budget said of an order, in words for people. Counts of the household only: never who or where it is."""

from tranship.core.network import NetworkFile
from tranship.routing.gate import MORE_WHY
from tranship.routing.leak.model import ONE, WHY
from tranship.routing.model import LeakGate

OPENED = {
    "conflict": "went there all the same, as on_conflict says: nobody else could take it (booked as excess)",
    "failure": "went there all the same: another network had failed (booked as excess)",
    "cod": "went there: nobody else takes it, and the budget admits it",
}
_NUMBERED = frozenset({"admitted", "open", "thinned", "household", "price", "cod"})


def leak_words(gate: LeakGate, network: NetworkFile) -> str:
    """One line: verdict, limit and draw, the household's state, and whether it went there all the same.

    >>> leak_words(LeakGate("AMZ", 3, "household", 20_000, 512_000, (), (0,)), NetworkFile("b", "USD", (), (), ()))
    'AMZ: kept off, this household has been shown enough; drew 51.2 %, limit 2.0 % (plan 3)'
    """
    why = {**WHY, **MORE_WHY}.get(gate.why, gate.why)
    words = f"{gate.network}: {'admitted' if not gate.kept else 'kept off'}, {why}"
    codes = [network.skus[sku].code for sku in gate.kept if sku < len(network.skus)]
    if codes and gate.why in ("admitted", "open", "thinned"):
        words += f" ({', '.join(codes[:5])}{' ...' if len(codes) > 5 else ''})"
    if gate.why in _NUMBERED:
        words += f"; drew {100 * gate.draw / ONE:.1f} %, limit {100 * gate.limit / ONE:.1f} %"
    if gate.household:
        last, seen, shown = gate.household
        before = "not known last year" if last < 0 else f"{last} order{'' if last == 1 else 's'} last year"
        words += f"; household: {before}, {seen} before this one, shown {shown}"
    if gate.plan:
        words += f" (plan {gate.plan})"
    return f"{words}; {OPENED[gate.opened]}" if gate.opened else words
