"""A run whose first node (and, where asked, second) stands behind a connection: hand-over by hand, one answer at a time."""

from collections.abc import Sequence

import msgspec

from tests.engine.worlds import AMZ, HOUR, MONDAY, NODES, PL, Run, network
from tranship.core.capability import Capability, Connection
from tranship.core.network import NetworkFile, Node
from tranship.dispatch.model import Dispatch, Parcel, Report, Result
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.decide import execute
from tranship.engine.due import to_hand_over
from tranship.engine.shard import Shard
from tranship.engine.state import State
from tranship.engine.verify import command_of, commands_of

HOLDS = Capability(
    hold_release=True, client_id_unique=True, id_burned_after_cancel=True, cancel="async", get_by_client_id=True
)
"""As Amazon's interface is taken to be."""
PLAIN = msgspec.structs.replace(HOLDS, hold_release=False, cancel="sync")
"""As a 3PL's: no hold, but ids are unique and a cancellation is answered at once."""
SECOND = 1_000_000


def connected(can: Capability = HOLDS, *, second: Capability | None = None, **changes: object) -> NetworkFile:
    """The three nodes, the first one behind `can`, the second behind `second` where that is given."""
    settings = {key: changes.pop(key) for key in list(changes) if key in Connection.__struct_fields__}
    made = [Connection("amz", "amazon_mcf", can, **settings)]  # type: ignore[arg-type]
    nodes: list[Node] = [msgspec.structs.replace(NODES[AMZ], connection="amz"), NODES[PL], NODES[2]]
    if second is not None:
        made.append(Connection("pl", "shipbob", second))
        nodes[PL] = msgspec.structs.replace(NODES[PL], connection="pl")
    return network(nodes=tuple(nodes), connections=tuple(made), **changes)


class Handed(Run):
    """A run with commands about networks; `at` moves on by a second with each."""

    def __init__(self, document: NetworkFile | None = None, shard: Shard | None = None, **units: int) -> None:
        super().__init__(document or connected(), shard=shard)
        self.at = MONDAY
        for node in (AMZ, PL):
            self.stock(node, **(units or {"MUG": 20, "TEE": 20}))

    def later(self, seconds: int = 1) -> int:
        """The time, moved on."""
        self.at += seconds * SECOND
        return self.at

    def hand_over(self, *wish: str) -> list[str]:
        """Hand over all that is due; the remote ids, in order. `wish` overrides what is due."""
        due = to_hand_over(self.state, self.at, 100)
        ids = [f"R{len(self.state.dispatches) + i}" for i in range(len(due))]
        intents = tuple(
            cmd.Intent(each.order_id, each.number, ids[i], f"sha{ids[i]}", each.hold, wish[0] if wish else each.wish)
            for i, each in enumerate(due)
        )
        self.do(cmd.HandOver(intents, self.later()))
        return ids

    def hear(self, remote_id: str, op: str, outcome: str = "ok", remote: str = "", **more: object) -> list[ev.Event]:
        """An answer to a call."""
        result = Result(outcome, remote, **more)  # type: ignore[arg-type]
        return self.do(cmd.Answered(remote_id, op, result, self.at, self.later()))

    def report(self, remote_id: str, remote: str, parcels: Sequence[Parcel] = (), **more: object) -> list[ev.Event]:
        """What the network says by itself."""
        told = Report(remote_id, remote, parcels=tuple(parcels), **more)  # type: ignore[arg-type]
        return self.do(cmd.Reported("amz", "webhook", (told,), self.later()))

    def held_there(self, *, release: bool = False) -> str:
        """One order of two mugs, on hold at the first node (released, and live, where asked); its remote id."""
        self.place(len(self.state.orders) + 1, ("MUG", 2))
        remote_id = self.hand_over("ship" if release else "hold")[-1]
        self.hear(remote_id, "create", "ok", "HELD")
        if release:
            self.hear(remote_id, "release")
        return remote_id

    def breaker(self, state: str = "open", share_bp: int = 0, why: str = "errors", until: int = 0) -> list[ev.Event]:
        """A breaker of the first connection changes."""
        return self.do(cmd.SetBreaker("amz", (), state, share_bp, why, until, self.later()))

    def drain(self) -> list[ev.Event]:
        """One step of a drain."""
        return self.do(cmd.Drain(1000, self.later()))

    def one(self, remote_id: str) -> Dispatch:
        """A dispatch as it stands."""
        found: Dispatch = self.state.dispatches[remote_id]
        return found

    def exceptions(self) -> list[str]:
        """Kinds of what was put before a person, in order."""
        return [event.kind for event in self.events() if isinstance(event, ev.Excepted)]

    def sound(self) -> None:
        """A rebuild gives the same hash, and every command decides the same again."""
        before = self.shard.hash()
        self.shard.rebuild()
        assert self.shard.hash() == before
        store = self.shard.store
        state = State(store.document)
        for rows in commands_of(store.journal()):
            events = [ev.decode(row.payload) for row in rows]
            assert list(execute(state, command_of(store, state, events))) == events


AFTER_CUT_OFF = MONDAY + 5 * HOUR
