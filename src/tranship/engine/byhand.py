"""What a person may ask of the hand-over, as commands: by the codes and dates that people use. Shared by HTTP and the command line."""

from collections.abc import Sequence

from tranship.core.errors import ConflictError, InputError
from tranship.core.ledger import Bucket
from tranship.core.network import FULL_BP
from tranship.engine import commands as cmd
from tranship.engine.evolve_network import BY_HAND
from tranship.engine.shard import Shard
from tranship.engine.state import State

MOST_OVERRIDE_US = 30 * 86_400_000_000
"""The longest that a person's word on a breaker holds."""


def breaker(
    state: State, code: str, said: str | None, share_bp: int | None, why: str, until: int, nodes: Sequence[str], at: int
) -> cmd.SetBreaker:
    """A person's word on where new work goes. InputError where it is half of one, or has no end."""
    if code not in {each.code for each in state.connected.values()}:
        known = ", ".join(sorted({each.code for each in state.connected.values()})) or "none"
        raise InputError(f"no connection {code!r}", where="connection", hint=f"There are: {known}.")
    if (said is None) == (share_bp is None):
        raise InputError("say a state (open, closed, auto) or a share, one of the two", where="state")
    if said == "auto":
        return cmd.SetBreaker(code, tuple(nodes), "closed", FULL_BP, f"{BY_HAND} ended: {why}", 0, at)
    share = share_bp if share_bp is not None else 0 if said == "open" else FULL_BP
    word = "open" if share == 0 else "closed" if share == FULL_BP else "half_open"
    if not at < until <= at + MOST_OVERRIDE_US:
        raise InputError("an end within 30 days is needed: what a person said is not for ever", where="until")
    return cmd.SetBreaker(code, tuple(nodes), word, share, f"{BY_HAND}: {why}", until, at)


def adopt(shard: Shard, ref: str, node: str, sku: str, units: int, at: int) -> cmd.ReceiveStock:
    """The receipt of a counted surplus. InputError where no count showed so many."""
    state = shard.state
    for name, code, known in (("node", node, state.nodes), ("sku", sku, state.skus)):
        if code not in known:
            raise InputError(f"unknown {name} {code!r}", where=name)
    key = (state.skus[sku], state.nodes[node])
    surplus, _ = state.counts_seen.get(key, (0, 0))
    if units > surplus:
        raise ConflictError(f"the last count of {sku} at {node} showed {surplus} units beyond the books, not {units}")
    return cmd.ReceiveStock(ref, key[1], int(Bucket.SUPPLIER), (key[0],), (units,), at)
