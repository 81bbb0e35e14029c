"""One policy's day: the run's state, the day's orders, the outage, and what is written down while it goes on."""

import hashlib
from collections.abc import Callable
from random import Random

import msgspec

from tranship.connectors.netfile.connections import without_hold
from tranship.connectors.port import Response
from tranship.core.network import NetworkFile
from tranship.core.order import Order
from tranship.core.time import MICROS_PER_HOUR
from tranship.dispatch.model import CLOSED, GONE, LIVE
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.shard import RecordedIds, Shard, Submission, decoded
from tranship.engine.state import CANCELLED, PROCESSING, OrderState, PartState
from tranship.sim.drill.driving import Driving, Side
from tranship.sim.drill.ground import Ground, loading, stocking, value_of
from tranship.sim.drill.scenarios import Policy
from tranship.sim.drill.source import NOBODY, VAULT, RunStore
from tranship.sim.drill.weather import Standstill, Weather
from tranship.sim.handover import masking
from tranship.sim.handover.loop import DAY, SECOND, Loop
from tranship.store.people import People
from tranship.store.port import Store

MINUTE = 60 * SECOND
SAMPLE = 5 * MINUTE
IN_TIME = 120 * SECOND
"""An order that comes during an outage should be safe after so long."""
AFTER = 5 * DAY
"""So long after the day it is seen what became of every order: the weekend, and what was late because of it."""
BEFORE = 2 * MICROS_PER_HOUR
"""The rehearsal's document is in force so long before the day."""


class Rehearsal(Driving):
    """Set up, `play`, and read its fields."""

    def __init__(self, run: Store, ground: Ground, policy: Policy, tell: Callable[[float], None] | None = None) -> None:
        wish = ground.wish
        self.ground, self.policy, self._tell = ground, policy, tell
        self.store = RunStore(run, ground.last)
        self.shard_of_run()
        start = max(self.shard.state.last_at, ground.first_at - BEFORE)
        super().__init__(Loop(start), Random(f"{wish.seed}/{wish.scenario.name}"), health=policy.health, naive=policy.naive)  # fmt: skip
        self.document = _document(ground.document, hold=policy.hold)
        self.hit = frozenset(ground.hit)
        self.values: dict[str, list[int]] = {}
        self.checks: dict[str, tuple[bool, bool]] = {}  # order -> sent to the failing nodes first, safe in time
        self.exposed: dict[str, bool] = {}
        self.first_days: dict[str, int] = {}  # order -> day on which the last of it was to leave, when it came
        self.times: list[int] = []
        self.at_risk: list[int] = []
        self.parked: list[int] = []
        self.share_bp: list[int] = []
        self.open_by_network: list[dict[str, int]] = []
        self.parked_by_reason: dict[str, tuple[int, int]] = {}
        self.ever_parked: set[str] = set()
        self.opened_at = self.drained_at = 0
        self.opened_by = ""
        self._open: dict[str, None] = {}
        self._outage = policy.outage

    def shard_of_run(self) -> None:
        """The run's state, from its journal."""
        self.people = People(self.store, VAULT)
        self.masker = masking.masker(self.store, self.people, "drill", lambda: self.loop.now)
        self.shard = Shard(self.store, self.people, RecordedIds())

    # -- setting up ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        ground, loop = self.ground, self.loop
        self.submit("before", cmd.Tick(loop.now))
        self.submit("network", loading(self.document, loop.now))
        for number, command in enumerate(stocking(ground, self.shard.state, loop.now)):
            self.submit(f"stock/{number}", command)
        connected = self.shard.state.connected
        for connection in {each.code: each for each in connected.values()}.values():
            self._side(connection.code)
        self.desk.connect(connected, loop.now)
        for order in ground.orders:
            loop.at(order.placed_at, self._order, order)
        for side in self.sides.values():
            offset = int(self.rng.random() * side.connection.poll_s * SECOND)
            loop.after(offset, self.look, side)
            if self.health:
                loop.after(offset, self.age, side)
        loop.at(ground.first_at - MINUTE, self._tick)
        loop.at(ground.first_at, self._sample)
        told = ground.wish.scenario.told_min
        if told and self.health and self._outage:
            loop.at(ground.starts_at + told * MINUTE, self._by_hand)

    def _side(self, code: str) -> None:
        ground, state, loop = self.ground, self.shard.state, self.loop
        nodes = [n for n, each in state.connected.items() if each.code == code]
        connection = state.connected[nodes[0]]
        fails = self._outage and bool(self.hit & set(nodes))
        kind = ground.wish.scenario.kind if fails else ""
        rng = Random(f"{ground.wish.seed}/{code}")
        wire: Weather[Response] = Weather(
            loop, rng, kind, ground.starts_at, ground.ends_at, max(1, connection.timeout_ms // 1000)
        )
        locations = ",".join(self.document.nodes[n].location or "1" for n in nodes)
        side = self.sides[code] = Side(connection, wire, locations, loop)
        still = (ground.starts_at, ground.ends_at) if kind == "frozen" else (0, 0)
        side.begin(Standstill(0, self._is_hit, *still), lambda headers, body: self.pushed(code, headers, body))

    def _is_hit(self, remote_id: str) -> bool:
        d = self.shard.state.dispatches.get(remote_id)
        return d is not None and d.node in self.hit

    def _by_hand(self) -> None:
        """Somebody has heard of it and closes the nodes, until the end that was announced."""
        ground = self.ground
        code = self.shard.state.connected[ground.hit[0]].code
        names = tuple(self.document.nodes[n].code for n in ground.hit)
        command = cmd.SetBreaker(code, names, "open", 0, "strike: told by hand", ground.ends_at, self.loop.now)
        self.submit("by-hand", command)
        self.pump()

    # -- what goes on -------------------------------------------------------------------------------------------------

    def _order(self, order: Order) -> None:
        digest = hashlib.blake2b(msgspec.json.encode(order), digest_size=16).digest()
        key = f"drill/order/{order.number}"
        self.take(Submission(key, cmd.PlaceOrder(order, order.placed_at), digest, NOBODY, "drill"))
        order_id = f"drill:{order.number}"
        held = self.shard.state.orders.get(order_id)
        if held is None:
            return
        self._open[order_id] = None
        self.values[order_id] = value_of(self.document, self.shard.state.skus, order)
        self.first_days[order_id] = max((part.ship_day for part in held.parts.values()), default=0)
        if self.ground.starts_at <= self.loop.now < self.ground.ends_at:
            self.exposed[order_id] = any(part.node in self.hit for part in held.parts.values())
            self.loop.after(IN_TIME, self._check, order_id)
        self.pump()

    def _check(self, order_id: str) -> None:
        """Two minutes later: is all of it where it will ship from?"""
        held = self.shard.state.orders[order_id]
        placed: dict[int, int] = {}
        for part in held.parts.values():
            if part.status != CANCELLED and part.node not in self.hit:
                for line, quantity in zip(part.lines, part.quantities, strict=True):
                    placed[line] = placed.get(line, 0) + quantity
        whole = all(placed.get(i, 0) == line.qty for i, line in enumerate(held.order.lines))
        self.checks[order_id] = (self.exposed[order_id], whole)

    def _tick(self) -> None:
        now = self.loop.now
        self.submit(f"tick/{now}", cmd.Tick(now))
        self.pump()
        if self._tell is not None:
            first, last = self.ground.first_at, self.ground.last_at
            self._tell(min(0.99, max(0.0, (now - first) / (last - first)) * 0.9))
        over = now > max(self.ground.last_at, self.ground.ends_at)
        self.loop.after(10 * MINUTE if over else MINUTE, self._tick)

    def pace(self) -> int:
        """As live from shortly before the outage until things are calm again; rarer at other times, when notifications tell all."""
        ground, now = self.ground, self.loop.now
        if ground.starts_at - 15 * MINUTE <= now <= ground.ends_at + 30 * MINUTE:
            return 1 if ground.minutes <= 240 or now <= ground.starts_at + 30 * MINUTE else 3
        return 5 if now <= ground.last_at else 20

    def planned(self) -> None:
        """Note when the failing nodes were given up, and when nothing of theirs was left to move."""
        state, now = self.shard.state, self.loop.now
        if not self._outage or now < self.ground.starts_at or self.drained_at:
            return
        if not self.opened_at:
            held = next((state.breakers[n] for n in self.hit if n in state.breakers and n in state.closed), None)
            if held is None:
                return
            self.opened_at, self.opened_by = now, held.why
        if self._is_drained():
            self.drained_at = now
        elif any(n in state.closed for n in self.hit):
            self.plan_soon()

    def _is_drained(self) -> bool:
        """Nothing at the failing nodes that could move now, and nothing that is being called back with a claim on its units."""
        state = self.shard.state
        for n in self.hit:
            for keys in state.due[n].values():
                for order_id, number in keys:
                    part = state.orders[order_id].parts[number]
                    if part.status != PROCESSING or not part.units():
                        continue
                    d = state.dispatch_of(part)
                    if state.is_free(part) or (d is not None and d.wish == "void" and d.state not in CLOSED):
                        return False
        return True

    # -- what is written down -----------------------------------------------------------------------------------------

    def _sample(self) -> None:
        """Every five minutes, every minute around a short outage: goods at risk, goods that wait, the share of the capped network."""
        state, now, ground = self.shard.state, self.loop.now, self.ground
        fails = self._outage and ground.starts_at <= now < ground.ends_at
        at_risk = waiting = 0
        by_network: dict[str, int] = {}
        reasons: dict[str, tuple[int, int]] = {}
        for order_id in list(self._open):
            order, values = state.orders[order_id], self.values[order_id]
            is_open = bool(order.rests)
            for part in order.parts.values():
                if self._left(part):
                    continue
                is_open = True
                worth = sum(q * values[line] for line, q in zip(part.lines, part.quantities, strict=True))
                code = self.document.nodes[part.node].network
                by_network[code] = by_network.get(code, 0) + worth
                at_risk += worth if fails and part.node in self.hit and not self._is_safe(part) else 0
            for rest in order.rests.values():
                waiting += sum(q * values[line] for line, q in zip(rest.lines, rest.quantities, strict=True))
                orders, units = reasons.get(rest.reason, (0, 0))
                reasons[rest.reason] = (orders + 1, units + sum(rest.quantities))
                self.ever_parked.add(order_id)
            if not is_open:
                del self._open[order_id]
        for reason, (orders, units) in reasons.items():
            most = self.parked_by_reason.get(reason, (0, 0))
            self.parked_by_reason[reason] = (max(most[0], orders), max(most[1], units))
        self.times.append(now)
        self.at_risk.append(at_risk)
        self.parked.append(waiting)
        self.open_by_network.append(by_network)
        self.share_bp.append(state.caps[0].total.share_bp() if state.caps else 0)
        near = ground.starts_at - MICROS_PER_HOUR <= now < ground.ends_at + MICROS_PER_HOUR and ground.minutes <= 240
        step = MINUTE if near else SAMPLE
        if now + step <= max(ground.last_at, ground.ends_at) + 2 * MICROS_PER_HOUR:
            self.loop.after(step, self._sample)

    def _is_safe(self, part: PartState) -> bool:
        """The network has it, and only the way to the network fails: it will leave."""
        d = self.shard.state.dispatch_of(part)
        return self.ground.wish.scenario.kind != "frozen" and d is not None and d.state == LIVE

    def _left(self, part: PartState) -> bool:
        if part.status != PROCESSING or not part.units():
            return True
        d = self.shard.state.dispatch_of(part)
        return d is not None and d.state == GONE

    # -- the whole day ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """From before the day to days after it."""
        self._begin()
        self.loop.run(max(self.ground.last_at, self.ground.ends_at) + AFTER)

    def events(self) -> list[ev.Event]:
        """What was journaled in the rehearsal, in order."""
        return [decoded(row) for row in self.store.rows]

    def drilled(self) -> dict[str, OrderState]:
        """The day's orders."""
        orders = self.shard.state.orders
        return {order_id: orders[order_id] for order_id in self.values}


def _document(document: NetworkFile, *, hold: bool) -> NetworkFile:
    if hold:
        return document
    changed = tuple(
        msgspec.structs.replace(each, capability=without_hold(each.capability)) for each in document.connections
    )
    return msgspec.structs.replace(document, connections=changed)
