"""The driver's work on a virtual clock: hand over, call, listen, judge health, drain. Engine, desk, watch and rules are the real ones."""

from collections.abc import Callable
from random import Random

from tranship.connectors.amazon_mcf.settings import Settings as McfSettings
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.port import Connector, Order, Request, Response
from tranship.connectors.shipbob import ShipBob
from tranship.connectors.shipbob.settings import Settings as BobSettings
from tranship.core.capability import Connection
from tranship.core.errors import InputError
from tranship.dispatch.health import Watch
from tranship.dispatch.model import Result
from tranship.engine import commands as cmd
from tranship.engine.desk import Call, Desk
from tranship.engine.driver.driver import BATCH, DRAIN_BATCH, ages, told, touched
from tranship.engine.handover import drainable
from tranship.engine.inbox import finding, news, reporting
from tranship.engine.outward import Masker
from tranship.engine.preparing import ALPHABET, ID_LENGTH, Wanted, handing_over, prepare, sending_back, wanted
from tranship.engine.shard import Shard, Submission
from tranship.sandbox.amazon.settings import Settings as AmazonSettings
from tranship.sandbox.common.faults import Faults as NetworkFaults
from tranship.sandbox.shipbob.settings import Settings as BobInsideSettings
from tranship.sim.handover.loop import SECOND, Loop
from tranship.sim.handover.standin import BOB_SECRET, KEY, AmazonInside, ShipBobInside, StandIn
from tranship.sim.handover.wire import ERROR, SILENCE, Wire
from tranship.store.people import People

STEP = SECOND // 2
"""Between two verdicts, and two looks at what is due to be handed over, while anything goes on: as in the live driver."""
AGE_S = 60
RETRIES = 2
"""How often the naive policy asks again before it takes an order elsewhere."""
METHODS = {"ground": "Standard", "two_day": "2-Day", "next_day": "Overnight"}
PLENTY = 1 << 40
"""Units that a stand-in has of everything: what there is to sell stands in the books."""
PLAN_S, PICK_S, PACK_S = 300, 1_200, 3_600
"""A stand-in's work: planned, begun, left; seconds after it was released (assumption)."""


class Side:
    """One connection: connector, wire, stand-in, health, and when orders became live there."""

    def __init__(self, connection: Connection, wire: Wire[Response], locations: str, loop: Loop) -> None:
        self.connection, self.code, self.wire, self.loop = connection, connection.code, wire, loop
        self.watch = Watch(at=loop.now)
        self.said = "closed/10000"
        self.since = loop.now
        self.judging = False
        self.probes = 0
        self.live_at: dict[str, int] = {}
        self.amazon = connection.kind.startswith("amazon")
        self.secret = KEY if self.amazon else BOB_SECRET
        self.connector: Connector
        self.inside: StandIn
        self._locations = locations

    def begin(self, faults: NetworkFaults, push: Callable[[dict[str, str], bytes], None]) -> None:
        """Set the stand-in up."""
        if self.amazon:
            self.connector = Connector2026(McfSettings("ATVPDKIKX0DER"), self.connection.capability)
            settings = AmazonSettings(
                planning_s=PLAN_S, processing_s=PICK_S, shipping_s=PACK_S, any_sku=PLENTY, create="200"
            )
            self.inside = AmazonInside(settings, self.loop, faults, 0, push)
            return
        self.connector = ShipBob(BobSettings("", "100200", METHODS, 250), self.connection.capability)
        inside = BobInsideSettings(
            processing_s=PLAN_S + PICK_S, shipping_s=PACK_S, any_sku=PLENTY, locations=self._locations
        )
        self.inside = ShipBobInside(inside, self.loop, faults, 0, push)


class Driving:
    """All connections of one rehearsal. A subclass gives `sides`, `shard`, `people` and what else happens."""

    def __init__(self, loop: Loop, rng: Random, *, health: bool, naive: bool) -> None:
        self.loop, self.rng, self.health, self.naive = loop, rng, health, naive
        self.sides: dict[str, Side] = {}
        self.desk = Desk()
        self.shard: Shard
        self.people: People
        self.masker: Masker
        self.refused: list[str] = []
        self.calls = self.unheard = 0
        self._count = self._woken = self._planned = 0

    # -- the engine ---------------------------------------------------------------------------------------------------

    def submit(self, key: str, command: cmd.Command) -> None:
        """One command in a transaction of its own."""
        self.take(Submission(f"drill/{key}", command))

    def take(self, submission: Submission) -> None:
        """One submission; the desk hears what it changed."""
        error = self.shard.submit([submission])[0].error
        if error is not None:
            self.refused.append(f"{type(submission.command).__name__}: {error}")
        for dispatch, urgency in touched(self.shard):
            self.desk.changed(dispatch, urgency)
        self.plan_soon()

    def number(self) -> int:
        """The next number for a key."""
        self._count += 1
        return self._count

    # -- calls --------------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Make the calls that are due, and come again when the next ones are."""
        now = self.loop.now
        for call in self.desk.take(now):
            self._call(call, 0)
        due = self.desk.next_at(now)
        if due and (not self._woken or due < self._woken or self._woken <= now):
            self._woken = max(due, now + 1_000)
            self.loop.at(self._woken, self._wake, self._woken)

    def _wake(self, at: int) -> None:
        if self._woken == at:
            self._woken = 0
            self.pump()

    def _call(self, call: Call, tries: int) -> None:
        side = self.sides[call.connection]
        order = Order(call.remote_id, call.their_id)
        if call.op == "create":
            request = side.connector.create(order, self._bytes(call.remote_id))
        else:
            request = getattr(side.connector, call.op)(order)
        self._ask(side, call.op, request, lambda answer: self._heard(side, call, order, tries, answer), call.remote_id)

    def _bytes(self, remote_id: str) -> bytes:
        row = self.shard.store.payload(remote_id)
        person = self.shard.store.person(row.person_id) if row is not None else None
        assert row is not None, "an intent has its bytes"
        assert person is not None, "nobody is erased in a rehearsal"
        return self.people.vault.open_for(person, row.sealed)

    def _ask(
        self, side: Side, op: str, request: Request, hear: Callable[[Response | str], None], remote_id: str = "",
        *, probe: bool = False,
    ) -> None:  # fmt: skip
        """Send a request and tell health what comes of it."""
        self.calls += 1
        call_id = str(self.calls)
        side.watch.started(call_id, op, self.loop.now, probe=probe)
        self._judge_soon(side)

        def serve() -> Response:
            answer = side.inside.serve(request, 0)
            if answer.status < 300 and remote_id and op in {"release", "create"}:
                side.live_at.setdefault(f"{op} {remote_id}", self.loop.now)
            return answer

        def heard(answer: Response | str) -> None:
            bad = not isinstance(answer, Response) or answer.status >= 500
            self.unheard += answer == SILENCE
            side.watch.ended(call_id, self.loop.now, "unknown" if bad else "ok")
            hear(answer)

        side.wire.carry(serve, heard)

    def _heard(self, side: Side, call: Call, order: Order, tries: int, answer: Response | str) -> None:
        if self.naive and call.op == "create" and not isinstance(answer, Response):
            if tries < RETRIES:
                self._call(call, tries + 1)
                return
            result = Result("refused", detail="timed out, taken for failed")
        elif answer == SILENCE:
            result = Result("unknown", detail="silence")
        else:
            result = side.connector.read(call.op, order, _response(answer))
        throttled = result.outcome == "throttled" and result.retry_after_ms > 0
        self.desk.done(call, self.loop.now, result.retry_after_ms, throttled=throttled)
        command = cmd.Answered(call.remote_id, call.op, result, call.sent_at, self.loop.now)
        self.submit(f"call/{self.number()}", command)
        self.pump()

    # -- handing over -------------------------------------------------------------------------------------------------

    def plan_soon(self) -> None:
        """Look at what is due at the next step, as the live driver does every half second."""
        at = (self.loop.now // STEP + 1) * STEP
        if self._planned < at:
            self._planned = at
            self.loop.at(at, self._plan)

    def _plan(self) -> None:
        state, now = self.shard.state, self.loop.now
        if state.closed and next(drainable(state, now), None) is not None:
            self.submit(f"drain/{now}", cmd.Drain(DRAIN_BATCH, now))
        found = wanted(state, now, BATCH)
        room = {code: self._room(code) for code in self.sides}
        kept: list[Wanted] = []
        for each in found:
            if room[each.connection] > 0:
                room[each.connection] -= 1
                kept.append(each)
        prepared = []
        for each in kept:
            address = self.people.address(each.due.order_id, each.person_id)
            connector = self.sides[each.connection].connector
            made = prepare(each, connector, self.people, address, self.masker, now, self._new_id)
            if made.refused:
                self.dead_letter(each, made.refused)
            prepared.append(made)
        back = sending_back(prepared, now)
        if back is not None:
            self.take(back)
        submission = handing_over(prepared, now)
        if submission is not None:
            self.take(submission)
        elif len(kept) < len(found):
            self.plan_soon()
        self.planned()
        self.pump()

    def dead_letter(self, each: Wanted, why: str) -> None:
        """Something that no network can be given."""
        self.refused.append(f"{each.due.order_id}/{each.due.number}: {why}")

    def planned(self) -> None:
        """A step is over."""

    def pace(self) -> int:
        """By how much looks are rarer than live: 1 where they matter."""
        return 1

    def _room(self, code: str) -> int:
        """How many more intents a connection may have; as the live driver counts it."""
        lane = self.desk.lane(code)
        return max(0, max(4, lane.bucket("create").left(self.loop.now)) - self.desk.backlog(code) - len(lane.in_flight))

    def _new_id(self) -> str:
        return "".join(self.rng.choices(ALPHABET, k=ID_LENGTH))

    # -- health -------------------------------------------------------------------------------------------------------

    def _judge_soon(self, side: Side, wait: int = STEP) -> None:
        if self.health and not side.judging:
            side.judging = True
            self.loop.after(wait, self._judge, side)

    def _judge(self, side: Side) -> None:
        """Tell the engine where new work may go; go on while there is anything to judge."""
        side.judging = False
        now = self.loop.now
        verdict = side.watch.verdict(now)
        if verdict.probe_at and now >= verdict.probe_at:
            self._probe(side)
        said = f"{verdict.state}/{verdict.share_bp}"
        if said != side.said and not self._overridden(side, now):
            side.said = said
            command = cmd.SetBreaker(side.code, (), verdict.state, verdict.share_bp, told(verdict), 0, now)
            self.submit(f"breaker/{side.code}/{now}", command)
            self.pump()
        seen = verdict.evidence
        if verdict.state == "open" and not seen.in_flight:  # nothing to hear until the next probe is due
            self._judge_soon(side, 4 * STEP)
        elif verdict.state != "closed" or verdict.probe_at or seen.in_flight or seen.score:
            self._judge_soon(side)

    def _overridden(self, side: Side, now: int) -> bool:
        state = self.shard.state
        behind = [n for n, each in state.connected.items() if each.code == side.code]
        return any(n in state.breakers and state.breakers[n].until > now for n in behind)

    def _probe(self, side: Side) -> None:
        if self.desk.lane(side.code).bucket("list").take(self.loop.now, probe=True):
            request = side.connector.list(max(0, self.loop.now - 300 * SECOND))
            self._ask(side, "list", request, lambda _answer: None, probe=True)

    def age(self, side: Side) -> None:
        """Accepted, then no progress."""
        stalled, total = ages(self.shard, side.code, self.loop.now)
        side.watch.aged(stalled, total, self.loop.now)
        self._judge_soon(side)
        self.loop.after(self.pace() * AGE_S * SECOND, self.age, side)

    # -- what networks say --------------------------------------------------------------------------------------------

    def pushed(self, code: str, headers: dict[str, str], body: bytes) -> None:
        """A notification leaves the network."""
        self.sides[code].wire.report(lambda: self._hook(code, headers, body))

    def _hook(self, code: str, headers: dict[str, str], body: bytes) -> None:
        side, now = self.sides[code], self.loop.now
        message = side.connector.message(headers, body, (side.secret,))
        if not message.ok:
            raise InputError("a notification of its own was turned away", where=code)
        for submission in reporting(code, "notification", message.reports, now, message.key):
            self.take(submission)
        self.pump()

    def look(self, side: Side) -> None:
        """Every `poll_s`: what changed there."""
        self._list(side, self.loop.now, "")
        self.loop.after(self.pace() * side.connection.poll_s * SECOND, self.look, side)

    def _list(self, side: Side, began: int, more: str) -> None:
        if not self.desk.lane(side.code).bucket("list").take(self.loop.now):
            return
        request = side.connector.list(max(0, side.since - 300 * SECOND), more)
        self._ask(side, "list", request, lambda answer: self._listed(side, began, answer))

    def _listed(self, side: Side, began: int, answer: Response | str) -> None:
        if not isinstance(answer, Response):
            return
        page = side.connector.read_list(answer)
        for each in page.findings:
            self.take(finding(side.code, each, self.loop.now))
        for submission in reporting(side.code, "list", news(self.shard.state, page.reports), self.loop.now):
            self.take(submission)
        if page.more:
            self._list(side, began, page.more)
        elif page.failed is None:
            side.since = began
        self.pump()


def _response(answer: Response | str) -> Response:
    """What an error looks like from here."""
    if isinstance(answer, Response):
        return answer
    assert answer == ERROR
    return Response(503, {"content-type": "text/html"}, b"<html>try later</html>")
