"""Worlds for the hand-over protocol alone: its rules between a judge that knows the truth and networks behind an adversary's wire."""

from random import Random
from typing import NamedTuple

import msgspec

from tranship.core.capability import Capability
from tranship.dispatch import rules
from tranship.dispatch.model import CANNOT_SHIP, CLOSED, FREE, GONE, QUARANTINED, Dispatch, Report, Result
from tranship.dispatch.policy import DEFAULT, Patience
from tranship.sim.handover.loop import DAY, HOUR, SECOND, Loop
from tranship.sim.handover.network import Lines, Nature, Network
from tranship.sim.handover.wire import ERROR, LATEST_S, SILENCE, THROTTLED, Faults, Wire

START = 1_790_000_000 * SECOND
KINDS: dict[str, Capability] = {
    "hold": Capability(True, True, True, "async", True, 60, 0),
    "hold_free_ids": Capability(True, True, False, "async", True, 60, LATEST_S),
    "burn": Capability(False, True, True, "async", True, 60, 0),
    "sync": Capability(False, True, True, "sync", True, 10, LATEST_S),
    "free_ids": Capability(False, True, False, "async", True, 60, LATEST_S),
    "wait": Capability(False, False, False, "sync", True, 60, LATEST_S),
    "nothing": Capability(False, False, False, "none", True, 60, 0),
}
"""Kinds of networks, by the strongest fence they have."""


class Setting(msgspec.Struct, frozen=True):
    """What a world is made of. A seed and a setting make the same world each time."""

    orders: int = 20
    level: float = 0.3  # share of calls that go wrong
    kinds: tuple[str, ...] = ("hold", "hold_free_ids", "burn", "sync", "free_ids", "wait", "nothing")
    blackouts: bool = True
    crashes: bool = True
    recalls: float = 0.4  # of the orders
    without: tuple[str, ...] = ()  # kinds of faults left out
    mutant: str = ""
    patience: Patience = DEFAULT


class Outcome(NamedTuple):
    """What became of a world: counts, and what broke (empty: nothing)."""

    orders: int
    shipped: int
    double_shipped: int
    lost: int
    attempts: int
    quarantined: int
    calls: int
    events: int
    broken: tuple[str, ...]


class Attempted:
    """One order: its attempts, newest last, and what the customer wants."""

    __slots__ = ("attempts", "cancelled", "hold_until", "lines", "number", "recall_left", "tried")

    def __init__(self, number: int, lines: Lines) -> None:
        self.number, self.lines = number, lines
        self.attempts: list[str] = []
        self.tried: list[int] = []
        self.cancelled = False
        self.recall_left = 0
        self.hold_until = 0


class ProtocolWorld:
    """Orders, rules and networks on one loop."""

    def __init__(self, seed: int, setting: Setting) -> None:
        self.setting, self.rng, self.loop = setting, Random(seed), Loop(START)
        rng = self.rng
        self.broken: list[str] = []
        self.now_open = 0
        self.networks: list[Network] = []
        self.wires: list[Wire[Result]] = []
        self.terms: list[rules.Terms] = []
        for i, kind in enumerate(rng.sample(setting.kinds, min(3, len(setting.kinds)))):
            self._network(i, kind)
        self.orders = [Attempted(i, self._lines()) for i in range(setting.orders)]
        self.dispatches: dict[str, Dispatch] = {}
        self.owner: dict[str, Attempted] = {}
        self.busy: dict[str, int] = {}  # remote id -> number of the call that is out
        self.wakes: dict[str, int] = {}
        self.epoch = self.call = self.quarantined = 0
        self.persons: set[str] = set()
        for order in self.orders:
            self.loop.after(int(rng.random() * 2 * HOUR), self._place, order)
        if setting.crashes:
            for _ in range(rng.randint(0, 3)):
                self.loop.after(int(rng.random() * 4 * HOUR), self._crash)

    def _network(self, i: int, kind: str) -> None:
        rng, setting = self.rng, self.setting
        can = KINDS[kind]
        nature = Nature(
            frozen=rng.choice((0, 0, 0.2)), refuses=rng.choice((0, 0.05)), ends=rng.choice((0, 0.05)),
            partial=rng.choice((0, 0.1)), breaks_off=rng.choice((0, 0.1)), late_cancel_s=rng.choice((5, 30, 900)),
            plan_s=rng.choice((60, 1_800, 7_200)),
        )  # fmt: skip
        share = setting.level / 6 * rng.choice((0, 0.5, 1, 1))
        start = START + int(rng.random() * 3 * HOUR)
        dark = setting.blackouts and rng.random() < 0.3
        faults = Faults(
            share, share, share, share, share, share if can.client_id_unique else 0.0, 0.3, 0.1, 5,
            rng.choice((1, 60, 3_600)), ((start, start + HOUR),) if dark else (),
        )  # fmt: skip
        for name in setting.without:
            faults = faults.without(name)
        network = Network(f"N{i}", can, nature, self.loop, rng)
        wire: Wire[Result] = Wire(self.loop, rng, faults)
        network.told = lambda report: wire.report(lambda: self._hear(report))
        self.networks.append(network)
        self.wires.append(wire)
        self.terms.append(rules.Terms(can, setting.patience))

    def _lines(self) -> Lines:
        return tuple((str(line), self.rng.randint(1, 3)) for line in range(1, self.rng.randint(1, 3) + 1))

    # -- the little engine --------------------------------------------------------------------------------------------

    def _place(self, order: Attempted) -> None:
        order.hold_until = self.loop.now + int(self.rng.random() * 2 * HOUR)
        if self.rng.random() < self.setting.recalls:
            order.recall_left = self.rng.randint(1, 2)
            self.loop.after(int(self.rng.random() ** 2 * 5 * HOUR), self._recall, order, self.rng.random() < 0.2)
        self._attempt(order)

    def _attempt(self, order: Attempted) -> None:
        """Hand it to the next network, where there is one left."""
        left = [n for n in range(len(self.networks)) if n not in order.tried]
        if order.cancelled or not left:
            return
        for remote_id in order.attempts:
            if self.dispatches[remote_id].state not in FREE:
                self._break(f"I2: order {order.number} has {self.dispatches[remote_id].state} behind it")
        node = self.rng.choice(left)
        order.tried.append(node)
        remote_id = f"R{order.number}-{len(order.attempts) + 1}"
        order.attempts.append(remote_id)
        self.owner[remote_id] = order
        hold = self.terms[node].can.hold_release
        now = self.loop.now
        wish = "hold" if hold and now < order.hold_until else "ship"
        intent = rules.intend(remote_id, str(order.number), 1, node, "sha", now, hold=hold, wish=wish)
        self._becomes(intent)
        if wish == "hold":
            self.loop.at(order.hold_until, self._release, remote_id)

    def _release(self, remote_id: str) -> None:
        self._take(rules.released(self.dispatches[remote_id], self.loop.now))

    def _recall(self, order: Attempted, for_good: bool) -> None:
        order.cancelled = order.cancelled or for_good
        if order.attempts:
            d = self.dispatches[order.attempts[-1]]
            self._take(rules.recalled(d, "wanted back", self.loop.now, self.terms[d.node]))
        order.recall_left -= 1
        if order.recall_left > 0:
            self.loop.after(int(self.rng.random() * 2 * HOUR), self._recall, order, for_good)

    def _crash(self) -> None:
        """The engine dies and comes up: answers that were under way are lost, and what was being sent may have arrived."""
        self.epoch += 1
        self.busy.clear()
        self.wakes.clear()
        for d in list(self.dispatches.values()):
            if d.state not in CLOSED:
                self._becomes(rules.restarted(d, self.loop.now, self.terms[d.node]).dispatch)

    def _take(self, step: rules.Step) -> None:
        d = step.dispatch
        if d is not self.dispatches[d.remote_id]:
            self._becomes(d)

    def _becomes(self, d: Dispatch) -> None:
        """The one place where a dispatch changes; what must hold is checked here."""
        old = self.dispatches.get(d.remote_id)
        self.dispatches[d.remote_id] = d
        order = self.owner[d.remote_id]
        if old is None or old.state != d.state:
            self._check(order, old, d)
            if d.state == QUARANTINED and d.remote_id not in self.persons:
                self.persons.add(d.remote_id)
                self.quarantined += 1
                self.loop.after(3 * HOUR, self._person, d.remote_id)
            if d.state in FREE and order.attempts[-1] == d.remote_id and old is not None and old.state not in FREE:
                self._schedule(d)
                self._attempt(order)
                return
        self._schedule(d)

    def _check(self, order: Attempted, old: Dispatch | None, d: Dispatch) -> None:
        dispatches = self.dispatches
        if len(order.attempts) > 1:
            ships = [r for r in order.attempts if dispatches[r].state not in CANNOT_SHIP]
            if len(ships) > 1:
                self._break(f"I1: {', '.join(f'{r} {dispatches[r].state}' for r in ships)} could both ship")
        if old is not None:
            if old.state in CLOSED and d.state != GONE:
                self._break(f"I8: {d.remote_id} was {old.state}, is {d.state}")
            if old.freed and d.op == "release":
                self._break(f"I3: {d.remote_id} would be released after it was free")
            if old.sha256 != d.sha256 or old.node != d.node:
                self._break(f"I5: {d.remote_id} changed what it is")

    def _break(self, what: str) -> None:
        self.broken.append(f"{(self.loop.now - START) // SECOND} s: {what}")

    # -- calls --------------------------------------------------------------------------------------------------------

    def _schedule(self, d: Dispatch) -> None:
        if d.state in CLOSED:
            return
        at = rules.deadline(d, self.terms[d.node])
        if d.op and d.remote_id not in self.busy and (not at or d.op_at < at):
            at = d.op_at
        if not at:
            return
        due = self.wakes.get(d.remote_id)
        at = max(at, self.loop.now)
        if due is None or at < due:
            self.wakes[d.remote_id] = at
            self.loop.at(at, self._wake, d.remote_id, at, self.epoch)

    def _wake(self, remote_id: str, at: int, epoch: int) -> None:
        if epoch != self.epoch or self.wakes.get(remote_id) != at:
            return
        del self.wakes[remote_id]
        d, now = self.dispatches[remote_id], self.loop.now
        terms = self.terms[d.node]
        limit = rules.deadline(d, terms)
        if limit and now >= limit:
            self._take(rules.waited(d, now, terms))
            d = self.dispatches[remote_id]
        if d.op and d.op_at <= now and remote_id not in self.busy and d.state not in CLOSED:
            self._send(d)
        self._schedule(d)

    def _send(self, d: Dispatch) -> None:
        if d.op == "release" and (d.freed or d.wish != "ship"):
            self._break(f"I3: {d.remote_id} is released in {d.state}")
        self.call += 1
        call, epoch, sent_at, op = self.call, self.epoch, self.loop.now, d.op
        self.busy[d.remote_id] = call
        network, lines, hold, remote_id = self.networks[d.node], self.owner[d.remote_id].lines, d.hold, d.remote_id
        self.wires[d.node].carry(
            lambda: network.ask(op, remote_id, lines, hold),
            lambda answer: self._answer(remote_id, op, call, epoch, sent_at, answer),
        )

    def _answer(self, remote_id: str, op: str, call: int, epoch: int, sent_at: int, answer: Result | str) -> None:
        if epoch != self.epoch:
            return
        if self.busy.get(remote_id) == call:
            del self.busy[remote_id]
        if isinstance(answer, str):
            answer = _WORDS[answer]
        d = self.dispatches[remote_id]
        step = rules.answered(d, op, answer, sent_at, self.loop.now, self.terms[d.node])
        if step.dispatch is d:
            self._schedule(d)
        else:
            self._becomes(step.dispatch)

    def _hear(self, report: Report) -> None:
        d = self.dispatches[report.remote_id]
        self._take(rules.reported(d, report, self.loop.now, self.terms[d.node]))

    def _person(self, remote_id: str) -> None:
        """Somebody calls the network: late requests are over, and what they say is true and stays so."""
        d = self.dispatches[remote_id]
        if d.state == QUARANTINED:
            gone = self.networks[d.node].forbid(remote_id)
            why = "a person called them"
            self._take(rules.settled(d, ships=not gone, why=why, now=self.loop.now, terms=self.terms[d.node]))
            if d.state == QUARANTINED:
                self.persons.discard(remote_id)

    # -- the end ------------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Play it to its end: four days after the last order. What is still open then had all the time it needed."""
        self.loop.run(START + 6 * DAY)
        shipped = double = lost = 0
        for order in self.orders:
            gone: dict[str, int] = {}
            for remote_id in order.attempts:
                for line, units in self.networks[self.dispatches[remote_id].node].left.get(remote_id, {}).items():
                    gone[line] = gone.get(line, 0) + units
            wanted = dict(order.lines)
            shipped += bool(gone)
            double += any(units > wanted[line] for line, units in gone.items())
            lost += self._is_lost(order, gone)
        if double:
            self._break(f"{double} orders shipped twice")
        if lost:
            self._break(f"{lost} orders lost")
        return Outcome(
            len(self.orders), shipped, double, lost, len(self.dispatches), self.quarantined,
            sum(wire.calls for wire in self.wires), self.loop.done, tuple(self.broken),
        )  # fmt: skip

    def _is_lost(self, order: Attempted, gone: dict[str, int]) -> bool:
        """Never shipped although it was wanted and a network had it, or still open though all was told truthfully."""
        last = self.dispatches[order.attempts[-1]]
        if any(self.dispatches[remote_id].state not in CLOSED for remote_id in order.attempts):
            self._break(f"stuck: {[self.dispatches[r].state for r in order.attempts]}")
            return True
        if gone:
            return not any(self.dispatches[remote_id].state == GONE for remote_id in order.attempts)
        return not order.cancelled and not (last.state in FREE and len(order.tried) == len(self.networks))


_WORDS = {
    ERROR: Result("unknown", detail="500"),
    SILENCE: Result("unknown", detail="silence"),
    THROTTLED: Result("throttled", retry_after_ms=1_000),
}


def play(seed: int, setting: Setting = Setting()) -> Outcome:  # noqa: B008 - it never changes
    """One seed, one world."""
    return ProtocolWorld(seed, setting).run()
