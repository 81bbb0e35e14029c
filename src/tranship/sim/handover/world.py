"""One seed, one world: the real engine, desk and translate code between stand-in networks, an adversary's wire and power that fails."""

import hashlib
from collections.abc import Callable
from random import Random

import msgspec

from tranship.connectors.amazon_mcf.settings import Settings as McfSettings
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.netfile import to_document
from tranship.connectors.port import Connector, Count, Order, Request, Response
from tranship.connectors.shipbob import ShipBob
from tranship.connectors.shipbob.settings import Settings as BobSettings
from tranship.core.capability import Capability, Connection
from tranship.core.errors import TranshipError, UnavailableError
from tranship.core.network import LeakBudget
from tranship.dispatch.model import CLOSED, QUARANTINED, Result
from tranship.engine import commands as cmd
from tranship.engine.desk import Call, Desk
from tranship.engine.due import is_stalled
from tranship.engine.handover import drainable
from tranship.engine.inbox import counting, finding, news, reporting
from tranship.engine.preparing import ALPHABET, Prepared, handing_over, prepare, sending_back, wanted
from tranship.engine.shard import RecordedIds, Shard, Submission
from tranship.sandbox.amazon.settings import Settings as AmazonSettings
from tranship.sandbox.common.faults import Faults as NetworkFaults
from tranship.sandbox.shipbob.settings import Settings as BobInsideSettings
from tranship.sim.handover import ground, masking
from tranship.sim.handover.ground import LAST, MONDAY, Ground
from tranship.sim.handover.judge import Found, judge
from tranship.sim.handover.loop import HOUR, SECOND, Loop
from tranship.sim.handover.mutants import planted
from tranship.sim.handover.standin import BOB_SECRET, KEY, AmazonInside, ShipBobInside, StandIn
from tranship.sim.handover.store import PowerCut, SimStore
from tranship.sim.handover.wire import ERROR, LATEST_S, SILENCE, THROTTLED, Faults, Wire
from tranship.store.people import People, Vault

MINUTE = 60 * SECOND
VAULT = Vault(b"k" * 32)
AMAZON, BOB = "amazon_mcf", "shipbob"
LOOK_S = 900
COUNT_S = 3_600
CALM = MONDAY + 14 * HOUR
"""Nothing new comes in any more: looks become rare."""
CUTS = ("now", "before", "before", "after", "after")
CUT_AT = ("", "handover/", "handover/", "call/", "tick/")
"""When the power fails: between commands, or in the next commit of such a command."""


class Setting(msgspec.Struct, frozen=True):
    """How hard a world is. With the seed it makes the same world each time; what shrinking leaves out is left out here."""

    orders: int = 20
    level: float = 0.25  # share of calls that go wrong
    crashes: int = 3  # at most
    blackouts: bool = True
    breakers: bool = True
    leak: int = 0  # percent of orders that a leak budget lets go to the first network; 0: no budget
    cancels: float = 0.15  # of the orders
    lies: bool = True  # counts of stock that lag or are wrong
    without: tuple[str, ...] = ()  # kinds of faults on the wire that are left out
    shortages: bool = True  # units that go missing at a network, and orders that it fills in part
    unsendable: float = 0.04  # of the orders, at each network: what cannot be written so that it may have them
    dialect: str = ""  # Amazon's version: 2020 | 2026; "": as the seed has it
    mutant: str = ""


class Side:
    """One network with its connector, its wire and what was last seen of it."""

    def __init__(
        self, code: str, node: int, connector: Connector, inside: StandIn, wire: Wire[Response], secret: str
    ) -> None:
        self.code, self.node, self.connector, self.inside, self.wire = code, node, connector, inside, wire
        self.secret = secret
        self.since = MONDAY


class World:
    """The whole of it. `run` plays it to its end and judges."""

    def __init__(self, seed: int, setting: Setting) -> None:
        self.seed, self.setting = seed, setting
        self.rng = rng = Random(seed)
        self.loop = Loop(MONDAY)
        self.store = SimStore()
        self.epoch = self.count = self.refused = 0
        self.broken: list[str] = []
        self.truth_received: dict[tuple[int, str], int] = {}
        self.quarantined: set[str] = set()
        self.taken_back: set[str] = set()
        self.ground = self._made(rng)
        self.document = ground.document(self.ground)
        if setting.leak:
            budget = LeakBudget("AMZ", on_conflict=("park", "spend")[seed % 2], high_value_minor=3_000)
            self.document = msgspec.structs.replace(self.document, leaks=(budget,))
        self.sides: dict[str, Side] = {}
        self._sides()
        self.shard: Shard
        self.desk: Desk
        self._begin()
        self._schedule()

    # -- building -----------------------------------------------------------------------------------------------------

    def _made(self, rng: Random) -> Ground:
        hold, burned = rng.random() < 0.7, rng.random() < 0.7
        lag, ttl = rng.choice((0, 60)), rng.choice((0, LATEST_S))
        amazon = Capability(hold, True, burned, "async", True, lag, ttl)
        bob = Capability(False, True, rng.random() < 0.5, "sync", True, rng.choice((0, 30)), rng.choice((0, LATEST_S)))
        return Ground(amazon, bob, rng.choice((240, 480)), rng.choice((60, 180)), rng.random() < 0.8, 60)

    def _units(self) -> tuple[int, ...]:
        """Of each SKU, at one node."""
        return tuple(self.rng.choice((4, 12, 40)) for _ in ground.SKUS)

    def _sides(self) -> None:
        rng, loop, seed = self.rng, self.loop, self.seed
        plan, pick, leave = rng.choice((60, 1_200)), rng.choice((600, 1_800, 10_800)), rng.choice((3_600, 14_400))
        faults = self._faults(rng), self._faults(rng)
        late = rng.choice((0, 0, 900)) * SECOND
        amazon_settings = AmazonSettings(
            seed, planning_s=plan, processing_s=pick, shipping_s=leave, create=rng.choice(("200", "202", "mixed")),
            free_ids=not self.ground.amazon.id_burned_after_cancel, async_s=rng.choice((1, 30)),
        )  # fmt: skip
        bob_settings = BobInsideSettings(
            seed, processing_s=pick, shipping_s=leave, free_ids=not self.ground.bob.id_burned_after_cancel,
            split=rng.random() < 0.2,
        )  # fmt: skip
        frozen = NetworkFaults(seed)
        if rng.random() < 0.2:
            frozen.add({"kind": "frozen", "p": 0.3, "until": MONDAY + 30 * HOUR}, MONDAY)
        amazon = AmazonInside(amazon_settings, loop, frozen, late, lambda h, b: self._pushed(AMAZON, h, b))
        bob = ShipBobInside(bob_settings, loop, frozen, late, lambda h, b: self._pushed(BOB, h, b))
        if self.setting.lies:
            amazon.lie = self._lie
        dialect = self.setting.dialect or Random(f"{seed}/dialect").choice(("2020", "2026", "2026"))
        fill = (
            Random(f"{seed}/fill").choice(("or_kill", "or_kill", "all_available"))
            if self.setting.shortages
            else "or_kill"
        )
        settings = McfSettings("ATVPDKIKX0DER", fill=fill)
        mcf = (Connector2020 if dialect == "2020" else Connector2026)(settings, self.ground.amazon)
        methods = {"ground": "Standard", "two_day": "2-Day", "next_day": "Overnight"}
        ship = ShipBob(BobSettings("", "100200", methods, 250), self.ground.bob)
        for code, node, connector, inside, fault, secret in (
            (AMAZON, ground.AMZ, mcf, amazon, faults[0], KEY), (BOB, ground.BOB, ship, bob, faults[1], BOB_SECRET),
        ):  # fmt: skip
            wire: Wire[Response] = Wire(loop, rng, fault)
            self.sides[code] = Side(code, node, connector, inside, wire, secret)

    def _faults(self, rng: Random) -> Faults:
        setting = self.setting
        share = setting.level / 6 * rng.choice((0, 0.5, 1, 1.5))
        start = MONDAY + int(rng.random() * 6 * HOUR)
        dark = setting.blackouts and rng.random() < 0.4
        faults = Faults(
            share, share, share, share, share, share, 0.0, 0.1, rng.choice((1, 2, 5)), rng.choice((1, 60, 3_600)),
            ((start, start + HOUR),) if dark else (),
        )  # fmt: skip
        for name in setting.without:
            faults = faults.without(name)
        return faults

    def _lie(self, _sku: str, units: int) -> int:
        return units + self.rng.choice((0, 0, 0, 0, -2, 3, 8))

    def _begin(self) -> None:
        self._rise()
        body = to_document(self.document)
        sha = hashlib.sha256(body).hexdigest()
        self.submit(Submission(f"network/{sha}", cmd.LoadNetwork(body, sha, MONDAY)))
        if self.setting.leak:
            self.submit(Submission("leak plan", ground.leak_plan(self.document, self.setting.leak, self.seed, MONDAY)))
        for node, code in ((ground.AMZ, AMAZON), (ground.BOB, BOB), (ground.OWN, "")):
            units = self._units()
            self.submit(ground.receiving(f"r{node}", node, units, MONDAY))
            for sku, count in zip(ground.SKUS, units, strict=True):
                self.truth_received[node, sku] = count
                if code:
                    self.sides[code].inside.put(sku, count)
        self.desk.connect(self.shard.state.connected, self.loop.now)

    def _schedule(self) -> None:
        rng, loop, setting = self.rng, self.loop, self.setting
        for number in range(setting.orders):
            at = MONDAY + int(rng.random() * 7 * HOUR)
            loop.at(at, self._order, number)
            if rng.random() < setting.cancels:
                loop.at(at + int(rng.random() * 6 * HOUR), self._take_back, number)
        for _ in range(rng.randint(0, setting.crashes)):
            loop.at(MONDAY + int(rng.random() * 10 * HOUR), self._cut, rng.choice(CUTS), rng.choice(CUT_AT))
        for side in self.sides.values():
            loop.at(MONDAY + int(rng.random() * LOOK_S * SECOND), self._look, side)
            loop.at(MONDAY + int(rng.random() * COUNT_S * SECOND), self._count_stock, side)
            for start, end in side.wire.faults.blackouts if setting.breakers else ():
                loop.at(start + MINUTE, self._breaker, side, "open")
                loop.at(end + MINUTE, self._breaker, side, "closed")
        if setting.breakers and rng.random() < 0.2:
            side, at = rng.choice(list(self.sides.values())), MONDAY + int(rng.random() * 8 * HOUR)
            loop.at(at, self._breaker, side, "open")
            loop.at(at + HOUR, self._breaker, side, "closed")
        for hour in range(14, 80, 6) if setting.shortages else ():
            loop.at(MONDAY + hour * HOUR, self._age)
        more = Random(f"{self.seed}/shortages")
        for _ in range(more.choice((0, 0, 1, 3)) if setting.shortages else 0):
            side, sku = more.choice(list(self.sides.values())), more.choice(ground.SKUS)
            loop.at(MONDAY + int(more.random() * 8 * HOUR), self._lost, side, sku, more.randint(1, 6))
        loop.at(MONDAY + MINUTE, self._tick)

    # -- the engine, its death and its return -------------------------------------------------------------------------

    def _rise(self) -> None:
        """The engine comes up from what is durable."""
        people = People(self.store, VAULT)
        self.shard = Shard(self.store, people, RecordedIds())
        self.people = people
        self.masker = masking.masker(self.store, people, self.seed, lambda: self.loop.now)
        self.desk = Desk()
        self._woken = 0

    def crash(self) -> None:
        """The engine dies at this moment and comes up again at once; what was in flight goes unheard."""
        self.epoch += 1
        self._rise()
        if self.shard.state.network is None:
            return
        self.desk.connect(self.shard.state.connected, self.loop.now)
        self.submit(Submission(f"restart/{self.epoch}", cmd.Restart(self.loop.now)))
        self.pump()

    def _cut(self, when: str, key: str) -> None:
        if when != "now":
            self.store.cut_next, self.store.cut_key = when, key
            return
        before = self.shard.hash()
        self.crash_quietly()
        if self.shard.hash() != before:
            self.broken.append("the state made anew from the journal is another one")
        self.crash()

    def crash_quietly(self) -> None:
        """Make the state anew, and nothing else."""
        self._rise()

    def submit(self, submission: Submission) -> TranshipError | None:
        """One command in a transaction of its own; why it was refused, if it was. The power may fail on the way."""
        try:
            error = self.shard.submit([submission])[0].error
        except PowerCut:
            self.crash()
            return UnavailableError("the power failed")
        if error is not None:
            self.refused += 1
            if not isinstance(error, UnavailableError):
                self.broken.append(f"{type(submission.command).__name__} refused: {error}")
        self._to_desk()
        return error

    def tell(self, submission: Submission) -> None:
        """As `submit`, and whatever it made due is done."""
        self.submit(submission)
        self.pump()

    def _to_desk(self) -> None:
        """What changed is the desk's business, as in live use."""
        state = self.shard.state
        for remote_id in state.touched:
            dispatch = state.dispatches[remote_id]
            if self.setting.mutant == "forget_outbox" and self.rng.random() < 0.05:
                dispatch = msgspec.structs.replace(dispatch, op="")  # forgotten
            self.desk.changed(dispatch, state.orders[dispatch.order_id].promise_day)
            if dispatch.state == QUARANTINED and remote_id not in self.quarantined:
                self.quarantined.add(remote_id)
                self.loop.after(3 * HOUR, self._person, remote_id)
        state.touched.clear()

    # -- calls --------------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Make the calls that are due, and come again when the next ones are."""
        now = self.loop.now
        for call in self.desk.take(now):
            self._call(call)
        due = self.desk.next_at(now)
        if due and (not self._woken or due < self._woken or self._woken <= now):
            self._woken = max(due, now + 1000)
            self.loop.at(self._woken, self._wake, self._woken, self.epoch)

    def _wake(self, at: int, epoch: int) -> None:
        if epoch == self.epoch and self._woken == at:
            self._woken = 0
            self.pump()

    def _call(self, call: Call) -> None:
        side, epoch = self.sides[call.connection], self.epoch
        order = Order(call.remote_id, call.their_id)
        if call.op == "create":
            request = side.connector.create(order, self._bytes(call.remote_id))
        else:
            request = getattr(side.connector, call.op)(order)
        side.wire.carry(self._at_network(side, request), lambda answer: self._heard(call, side, order, epoch, answer))

    def _at_network(self, side: Side, request: Request) -> Callable[[], Response]:
        reading = request.method == "GET"
        longest = side.connector.capability.read_lag_s * SECOND

        def serve() -> Response:
            return side.inside.serve(request, int(self.rng.random() * longest) if reading else 0)

        return serve

    def _bytes(self, remote_id: str) -> bytes:
        row = self.store.payload(remote_id)
        person = self.store.person(row.person_id) if row is not None else None
        assert row is not None, "an intent has its bytes"
        assert person is not None, "nobody is erased here"
        return self.people.vault.open_for(person, row.sealed)

    def _heard(self, call: Call, side: Side, order: Order, epoch: int, answer: Response | str) -> None:
        if epoch != self.epoch:
            return
        result = Result("unknown", detail="silence") if answer == SILENCE else None
        if result is None:
            result = side.connector.read(call.op, order, self._response(answer))
        throttled = result.outcome == "throttled" and result.retry_after_ms > 0
        self.desk.done(call, self.loop.now, result.retry_after_ms, throttled=throttled)
        answered = cmd.Answered(call.remote_id, call.op, result, call.sent_at, self.loop.now)
        self.count += 1
        self.tell(Submission(f"call/{self.count}", answered))

    def _response(self, answer: Response | str) -> Response:
        """What an error looks like from here: a 5xx, a page of a proxy, half an answer."""
        if isinstance(answer, Response):
            return answer
        if answer == THROTTLED:
            return Response(429, {"retry-after": "2"}, b'{"errors":[{"code":"QuotaExceeded","message":""}]}')
        assert answer == ERROR
        return self.rng.choice(
            (
                Response(500, {}, b'{"errors":[{"code":"InternalFailure","message":""}]}'),
                Response(503, {"content-type": "text/html"}, b"<html>try later</html>"),
                Response(200, {"content-type": "application/json"}, b'{"order":{"orderId":"'),
            )
        )

    # -- what goes on -------------------------------------------------------------------------------------------------

    def _order(self, number: int) -> None:
        submission = ground.placing(number, Random(f"{self.seed}/{number}"), self.loop.now)
        if isinstance(self.submit(submission), UnavailableError):
            self.submit(submission)  # the customer tries again; the key is the same
        self.pump()

    def _take_back(self, number: int) -> None:
        state = self.shard.state
        order = state.orders.get(f"sim:{number}")
        if order is None:
            return
        line = order.order.lines[0]
        self.taken_back.add(f"sim:{number}")
        self.tell(
            Submission(
                f"back/{number}",
                cmd.TakeBack(order.order.source + ":" + order.order.number, line.key, line.qty, "r", self.loop.now),
            )
        )

    def _tick(self) -> None:
        now = self.loop.now
        self.submit(Submission(f"tick/{now}", cmd.Tick(now)))
        self._drive()
        self.loop.after((10 if now < CALM else 240) * MINUTE, self._tick)

    def _drive(self) -> None:
        """What the driver does all the time: go on with a drain, hand over what is due, make the calls that are."""
        now = self.loop.now
        if next(drainable(self.shard.state, now), None) is not None:
            self.submit(Submission(f"drain/{now}", cmd.Drain(500, now)))
        self._hand_over()
        self.pump()

    def _hand_over(self) -> None:
        state, now = self.shard.state, self.loop.now
        prepared = []
        for each in wanted(state, now, 50):
            side = self.sides[each.connection]
            address = self.people.address(each.due.order_id, each.person_id)
            made = prepare(each, side.connector, self.people, address, self.masker, now, self._new_id)
            if Random(f"{self.seed}/{each.due.order_id}/{each.connection}").random() < self.setting.unsendable:
                what = cmd.Unsendable(each.due.order_id, each.due.number, each.node, "policy", "city", "is too long")
                made = Prepared(None, None, unsendable=what)
            prepared.append(made)
            if made.refused:
                self.broken.append(f"cannot be handed over: {made.refused}")
        back = sending_back(prepared, now)
        if back is not None:
            self.submit(back)
        if self.setting.mutant == "drop_i4":
            for made in prepared:
                if made.intent is not None and made.payload is not None:
                    self._send_early(made.intent, made.payload.person_id, made.payload.sealed)
        submission = handing_over(prepared, now)
        if submission is not None:
            self.submit(submission)

    def _send_early(self, intent: cmd.Intent, person_id: str, sealed: bytes) -> None:
        """The fault that invariant I4 forbids: bytes leave before their intent is durable."""
        node = self.shard.state.orders[intent.order_id].parts[intent.number].node
        side = next(side for side in self.sides.values() if side.node == node)
        person = self.store.person(person_id)
        assert person is not None
        body = self.people.vault.open_for(person, sealed)
        request = side.connector.create(Order(intent.remote_id), body)
        side.wire.carry(self._at_network(side, request), lambda _answer: None)

    def _new_id(self) -> str:
        return "".join(self.rng.choices(ALPHABET, k=20))

    def _pushed(self, code: str, headers: dict[str, str], body: bytes) -> None:
        self.sides[code].wire.report(lambda: self._hook(code, headers, body))

    def _hook(self, code: str, headers: dict[str, str], body: bytes) -> None:
        side, now = self.sides[code], self.loop.now
        message = side.connector.message(headers, body, (side.secret,))
        if not message.ok:
            self.broken.append(f"{code}: a notification of its own was turned away")
        for each in message.findings:
            self.submit(finding(code, each, now))
        for submission in reporting(code, "notification", message.reports, now, message.key):
            self.submit(submission)
        self.pump()

    def _look(self, side: Side) -> None:
        """Every few minutes: what changed there."""
        began, epoch = self.loop.now, self.epoch
        request = side.connector.list(max(0, side.since - 300 * SECOND))
        side.wire.carry(self._at_network(side, request), lambda answer: self._listed(side, began, epoch, answer))
        self.loop.after((LOOK_S if began < CALM else 14_400) * SECOND, self._look, side)

    def _listed(self, side: Side, began: int, epoch: int, answer: Response | str) -> None:
        if epoch != self.epoch or not isinstance(answer, Response):
            return
        page = side.connector.read_list(answer)
        for each in page.findings:
            self.submit(finding(side.code, each, self.loop.now))
        for submission in reporting(side.code, "list", news(self.shard.state, page.reports), self.loop.now):
            self.submit(submission)
        if page.more:
            more = side.connector.list(max(0, side.since - 300 * SECOND), page.more)
            side.wire.carry(self._at_network(side, more), lambda told: self._listed(side, began, epoch, told))
        elif page.failed is None:
            side.since = began - side.connector.capability.read_lag_s * SECOND
        self.pump()

    def _count_stock(self, side: Side) -> None:
        epoch = self.epoch
        request = side.connector.stock()
        side.wire.carry(self._at_network(side, request), lambda answer: self._counted(side, epoch, answer))
        self.loop.after((COUNT_S if self.loop.now < CALM else 14_400) * SECOND, self._count_stock, side)

    def _counted(self, side: Side, epoch: int, answer: Response | str) -> None:
        if epoch != self.epoch or not isinstance(answer, Response):
            return
        page = side.connector.read_stock(answer)
        if page.failed is not None:
            return
        self.count += 1
        counts: tuple[Count, ...] = page.counts
        connection: Connection = self.shard.state.connected[side.node]
        made, findings = counting(
            self.shard.state, connection, counts, self.loop.now, whole=page.whole and not page.more, ref=str(self.count)
        )
        for submission in made:
            self.submit(submission)
        for each in findings:
            self.submit(finding(side.code, each, self.loop.now))
        self.pump()

    def _breaker(self, side: Side, state: str, why: str = "silence") -> None:
        now = self.loop.now
        share = 0 if state == "open" else 10_000
        command = cmd.SetBreaker(side.code, (), state, share, why, 0, now)
        self.count += 1
        self.tell(Submission(f"breaker/{self.count}", command))
        if state == "open":
            self._drive()

    def _age(self) -> None:
        """Accepted, then no progress: nodes where orders stand still are given up for a while, and the orders wanted back."""
        state, now = self.shard.state, self.loop.now
        open_ones = [state.dispatches[remote_id] for remote_id in state.open_dispatches]
        for side in self.sides.values():
            if any(d.node == side.node and is_stalled(state, d, now) for d in open_ones):
                self._breaker(side, "open", "stalled")
                self.loop.after(2 * HOUR, self._breaker, side, "closed")

    def _lost(self, side: Side, sku: str, units: int) -> None:
        """Units of a SKU are not there any more, and nobody says so."""
        side.inside.put(sku, -min(units, side.inside.free(sku)))

    def _person(self, remote_id: str) -> None:
        """Somebody calls the network: late requests are over by now, and what they say is true and stays so."""
        d = self.shard.state.dispatches[remote_id]
        self.quarantined.discard(remote_id)
        if d.state != QUARANTINED:
            return
        side = next(side for side in self.sides.values() if side.node == d.node)
        ships = not side.inside.forbid(remote_id)
        self.count += 1
        self.tell(Submission(f"settle/{self.count}", cmd.Settle(remote_id, ships, "called them", self.loop.now)))

    # -- the end ------------------------------------------------------------------------------------------------------

    def run(self) -> Found:
        """Play it to its end and judge what became of every order."""
        self.loop.run(LAST)
        live = self.shard.hash()
        self.crash_quietly()
        if self.shard.hash() != live:
            self.broken.append("the state made anew from the journal is another one")
        return judge(self)

    def open_dispatches(self) -> list[str]:
        """Attempts that are not closed."""
        return [d.remote_id for d in self.shard.state.dispatches.values() if d.state not in CLOSED]


def play(seed: int, setting: Setting = Setting()) -> Found:  # noqa: B008 - it never changes
    """One seed, one world, one verdict."""
    with planted(setting.mutant):
        return World(seed, setting).run()
