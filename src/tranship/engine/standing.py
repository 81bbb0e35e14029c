"""A run's state, rebuilt from its journal without opening it for writing: to look at a run that somebody else may have open."""

from tranship.engine.digest import GENESIS
from tranship.engine.evolve import evolve
from tranship.engine.shard import checked, decoded
from tranship.engine.state import State
from tranship.store.port import Store


def state_of(store: Store) -> State:
    """The state at the journal's end; DamageError naming the first bad row."""
    state, chain, seq = State(store.document), GENESIS, 0
    for row in store.journal():
        chain = checked(row, seq, chain)
        seq = row.seq
        evolve(state, decoded(row))
    return state
