"""The live driver: hands over what is due, makes the calls that are due, looks at what networks say, and tells the engine of it all.

Everything it learns becomes a command; everything it does follows from the state. It may be killed at any moment: the next one begins
with what the journal says (`Restart`), and a call whose answer nobody heard is a doubt, never a blank sheet.
"""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from tranship.connectors.manual import Manual
from tranship.connectors.port import Order
from tranship.core.capability import Connection
from tranship.core.errors import TranshipError, UnavailableError
from tranship.dispatch.health import Verdict
from tranship.dispatch.model import GONE, HELD, LIVE, Dispatch, Result
from tranship.dispatch.policy import DEFAULT, SECOND
from tranship.engine import commands as cmd
from tranship.engine.desk import UNLIMITED, Call, Desk
from tranship.engine.driver import listening, looking, paper, standing
from tranship.engine.driver.link import Link
from tranship.engine.driver.vault_wait import Made, VaultWait, prepare_all
from tranship.engine.due import is_stalled
from tranship.engine.evolve_network import CONNECTION
from tranship.engine.handover import drainable
from tranship.engine.inward import NOTHING, Heard
from tranship.engine.networks import LiveNow
from tranship.engine.preparing import Prepared, Wanted, handing_over, sending_back, wanted
from tranship.engine.service import Service
from tranship.engine.shard import Shard, Submission
from tranship.engine.state import State

PLAN_S = 0.5
"""Real seconds between two looks at what is due to be handed over."""
HEALTH_S = 0.5
"""Real seconds between two verdicts."""
AGE_S = 15
"""Real seconds between two looks at orders that stand still."""
BATCH = 200
"""Fulfillment orders handed over by one command."""
DRAIN_BATCH = 500
"""Orders moved by one command of a drain, so that new orders wait for no longer than that."""
MOST_TASKS = 256
"""Calls in flight over all connections."""
BEAT_US = 50_000
"""Real microseconds after which the loop should have run again ..."""
LAG_US = 100_000
"""... and how much later counts as being held up."""
TRACE_EVERY = 4
"""Verdicts in one step of what is shown."""
MOST_WAIT_S = 15.0
"""Real seconds between two tries to tell an engine that cannot write."""
END_S = 5
"""Real seconds that calls under way get at the end."""
AGAIN_S = 2
"""Real seconds until the driver begins again after a fault of its own."""

NO_HURRY_DAYS = 100_000
"""Added to the promise day of what has left: looks at it come last."""

T = TypeVar("T")
log = logging.getLogger("tranship.driver")


class Driver:
    """All connections of one service. `run` until cancelled."""

    def __init__(self, service: Service) -> None:
        """Where the service is a shadow, networks are looked at and nothing is handed over, released or called back."""
        self.service, self.shadow = service, service.network.shadow
        self.desk = Desk()
        self.links: dict[str, Link] = {}
        self._steps = 0
        self._beat = time.monotonic_ns() // 1000  # when the loop last ran,
        self._lost = 0  # and how long in all it did not
        self._began = time.time_ns() // 1000 - self._beat
        self._vault = VaultWait()
        self._wake = asyncio.Event()
        self._syncing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> int:
        """The service's clock."""
        return self.service.clock.now()

    def real(self) -> int:
        """Real time as UTC microseconds, for latency; it stands still while this process itself does not get to run.

        An answer that lay in the socket while we were held up was not slow: no network is given up for our own sake.
        """
        now = time.monotonic_ns() // 1000
        held_up = now - self._beat - BEAT_US
        if held_up > LAG_US:
            self._lost += held_up
        self._beat = now
        return self._began + now - self._lost

    async def _heart(self) -> None:
        while True:
            await asyncio.sleep(BEAT_US / 1e6)
            self.real()

    def _real_at(self, at: int) -> int:
        """Real time of a moment of the service's clock."""
        return self.real() + int((at - self.now()) / self.service.clock.speed)

    async def run(self) -> None:
        """Work until cancelled; what fails is told in the log and begun again from the journal, it never ends the driver."""
        while True:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - the edge: orders must not stay here unnoticed because of a bug
                causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
                log.warning("the driver begins again after %s", ", ".join(type(each).__name__ for each in causes))
                await asyncio.sleep(AGAIN_S)

    async def _work(self) -> None:
        if not self.shadow:
            await self._submit(Submission(f"restart/{self.service.store.epoch}/{self.now()}", cmd.Restart(self.now())))
        await self._connect()
        loops = [
            self._repeat(self._plan, PLAN_S),
            self._repeat(self._judge, HEALTH_S),
            self._repeat(self._age, AGE_S),
            self._send(),
            self._heart(),
            *(looking.look_at_changes(self, link) for link in self.links.values()),
            *(looking.look_at_stock(self, link) for link in self.links.values()),
            *(looking.look_at_returns(self, link) for link in self.links.values()),
            *(paper.keep_paper(self, link) for link in self.links.values() if isinstance(link.connector, Manual)),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for loop in loops:
                    group.create_task(loop)
        finally:
            await self._end()

    async def _end(self) -> None:
        """Let calls under way come back (an answer that is lost is a doubt that has to be resolved), then close."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self.links.values():
            await link.close()

    async def _connect(self) -> None:
        """Begin with what the state says: its connections, its open dispatches, and which connections were given up."""
        self.desk, self.links = Desk(), {}
        connections, dispatches, sick = await self.read(_standing)
        for connection in {each.code: each for each in connections.values()}.values():
            link = self.links[connection.code] = Link(connection, self.service.network.health, self.real())
            link.watch.plan(tuple((self._real_at(first), self._real_at(last)) for first, last in link.outages))
            if connection.code in sick:
                link.on_trial(self.real())
            await self.read(
                lambda shard, link=link: standing.watch_nodes(  # type: ignore[misc]
                    link, shard.state, self.service.network.health, self.now()
                )
            )
        wired = {n: each for n, each in connections.items() if self.links[each.code].client is not None}
        self.desk.connect(wired, self.now())
        for dispatch, urgency in dispatches:
            self.desk.changed(dispatch, urgency)
        await self.sync()

    async def _repeat(self, step: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await self.attempt(step)
            await asyncio.sleep(every_s)

    async def attempt(self, step: Callable[[], Awaitable[None]]) -> None:
        """One step of a loop: its fault is told in the log and ends nothing else."""
        try:
            await step()
        except UnavailableError:
            pass  # the queue is full, or the disk is: orders come first, the next time does what this one would have
        except Exception as error:  # noqa: BLE001 - the edge: one step's fault must not end the others
            log.warning("%s: %s", getattr(step, "__name__", "step"), type(error).__name__)

    # -- the engine ---------------------------------------------------------------------------------------------------

    async def read(self, function: Callable[[Shard], T]) -> T:
        """Read the state on the writer's thread, between batches."""
        return await asyncio.to_thread(self.service.writer.call, function)

    async def _submit(self, submission: Submission) -> None:
        answer = await self.service.writer.asubmit(submission)
        if answer.error is not None:
            raise answer.error

    async def tell(self, submissions: Sequence[Submission]) -> None:
        """Take commands in and look at what they changed."""
        for submission in submissions:
            try:
                await self._submit(submission)
            except UnavailableError:
                raise
            except TranshipError as error:
                log.warning("%s refused: %s", type(submission.command).__name__, type(error).__name__)
        await self.sync()

    async def sync(self) -> None:
        """Bring the desk up to what was committed; one at a time, or an older word could come after a newer one."""
        async with self._syncing:
            for dispatch, urgency in await self.read(touched):
                self.desk.changed(dispatch, urgency)
        self._wake.set()

    # -- handing over -------------------------------------------------------------------------------------------------

    async def _plan(self) -> None:
        """Journal the intents of what is due; go on with a drain."""
        if self.shadow or not self.links:
            return
        await self.sync()  # what the clock and people did
        at = self.now()
        if await self.read(partial(_has_to_move, at=at)):
            await self._submit(Submission(f"drain/{at}", cmd.Drain(DRAIN_BATCH, at)))
            await self.sync()
        room = {code: min(BATCH, self._room(code)) for code in self.links}
        if not any(room.values()):
            return
        if self._vault.waits(self.real()):
            return
        kept = await self.read(lambda shard: wanted(shard.state, at, room))
        if kept:
            made = await asyncio.to_thread(self._prepare, kept)
            if made.down is None:
                self._vault.answered()
            else:  # for nobody behind that key: it waits here, and goes nowhere else for it
                await self._submit(self._vault.failed(made.down, self.real(), at))
            await self._refuse(kept, made.prepared)
            submission = handing_over(made.prepared, self.now())
            if submission is not None:
                await self._submit(submission)
            await self.sync()

    def _room(self, code: str) -> int:
        """How many more intents a connection may have: what it can be told within a few seconds."""
        if self.links[code].out_until(self.now()):
            return 0  # a moment before its breaker says so
        if not self.desk.has(code):
            return BATCH  # paper takes all at once
        lane = self.desk.lane(code)
        left = max(4, lane.bucket("create").left(self.now()))
        return max(0, left - self.desk.backlog(code, "create") - len(lane.in_flight))

    def _prepare(self, found: Sequence[Wanted]) -> Made:
        return prepare_all(
            found,
            {code: link.connector for code, link in self.links.items()},
            self.service.people,
            self.service.masker,
            self.now(),
        )

    async def _refuse(self, found: Sequence[Wanted], prepared: Sequence[Prepared]) -> None:
        """What its network may not be told goes back to routing; what nobody can be told is put before a person, once."""
        at = self.now()
        back = sending_back(prepared, at)
        if back is not None:
            await self._submit(back)
        for each, made in zip(found, prepared, strict=True):
            if made.refused:
                subject = f"{each.due.order_id}/{each.due.number}"
                report = cmd.ReportException("dead_letter", subject, f"cannot be handed over: {made.refused}", at)
                await self._submit(Submission(f"dead/{subject}/{each.readdressed}", report))

    # -- calls --------------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            now = self.now()
            if not self.shadow and len(self._tasks) < MOST_TASKS:
                for call in self.desk.take(now):
                    task = asyncio.create_task(self._carry(call), name=f"call {call.op}")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            due = self.desk.next_at(now)
            wait = 1.0 if not due else min(1.0, max(0.002, (due - now) / 1e6 / self.service.clock.speed))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def _carry(self, call: Call) -> None:
        """Make one call and tell the engine what came of it."""
        result = Result("unknown", detail="stopped")
        try:
            called = await self._called(call)
            if called is None:
                await self.sync()  # the desk was behind
                return
            result, heard = called
            if not heard.tokens and await self.read(partial(_told_nothing, call=call, result=result)):
                self.desk.postpone(call, self.now() + self._look_again_in(call.connection))
                return
            answer = cmd.Answered(call.remote_id, call.op, result, call.sent_at, self.now())
            key = f"call/{call.remote_id}/{call.op}/{call.sent_at}"
            await self._hear(Submission(key, answer, tokens=heard.tokens, audits=heard.audits))
            await listening.put_before_a_person(self, call.connection, heard)
        finally:  # in flight until the engine knows of it: before that, the desk would give the same call out again
            throttled = result.outcome == "throttled" and result.retry_after_ms > 0
            self.desk.done(call, self.now(), result.retry_after_ms, throttled=throttled)
            self._wake.set()

    def _look_again_in(self, code: str) -> int:
        """Until the next look at what goes well: the longer, the more there is to look at within the published rate."""
        rate = self.links[code].connection.capability.rates.get("get", UNLIMITED)
        every = (
            self.desk.count(code) * 2_000 * SECOND // max(1, rate.per_s_milli)
        )  # half of the rate is for other looks
        return max(DEFAULT.live_look_s * SECOND, every)

    async def _called(self, call: Call) -> tuple[Result, Heard] | None:
        """Make one call; whatever happens is a result, with what it says of people. None where the engine no longer wants it."""
        sent = False
        try:
            body = await asyncio.to_thread(self.body, call) if call.op == "create" else b""
            out = self.links[call.connection].out_until(self.now()) if call.op == "create" else 0
            if out:
                return Result(
                    "throttled", detail="in a planned outage", retry_after_ms=(out - self.now()) // 1000
                ), NOTHING
            if body is None:
                return Result("refused", detail="its bytes are gone: the person was erased"), NOTHING
            if not await asyncio.to_thread(self.service.store.still_mine):
                return Result("throttled", detail="another writer has taken over", retry_after_ms=60_000), NOTHING
            if not await self.read(partial(_still_wanted, call=call)):
                return None
            sent = True
            link = self.links[call.connection]
            result, answer = await link.call(call.op, Order(call.remote_id, call.their_id), body, self.real)
            return await listening.checked(self, link, call, result, answer)
        except Exception as error:  # noqa: BLE001 - the edge: whatever went wrong, the engine has to know
            outcome = "unknown" if sent else "throttled"
            return Result(outcome, detail=type(error).__name__, retry_after_ms=0 if sent else 5_000), NOTHING

    async def _hear(self, answer: Submission) -> None:
        """Tell the engine, however long that takes: the answer is worth waiting for; after a crash it is a doubt."""
        wait = 0.2
        while True:
            try:
                await self.tell([answer])
                return
            except UnavailableError:
                await asyncio.sleep(wait)
                wait = min(2 * wait, MOST_WAIT_S)

    def body(self, call: Call) -> bytes | None:
        """The bytes of an intent, as they were sealed."""
        row = self.service.store.payload(call.remote_id)
        person = self.service.store.person(row.person_id) if row is not None else None
        if row is None or person is None:
            return None
        body = self.service.people.vault.open_for(person, row.sealed)
        d = self.service.writer.call(lambda shard: shard.state.dispatches[call.remote_id])
        if hashlib.sha256(body).hexdigest() != d.sha256:
            raise UnavailableError(f"the bytes of dispatch {call.remote_id} are not those of its intent")
        return body

    # -- health -------------------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Tell the engine where new work may go; look at a network that is on trial."""
        live = dict[str, LiveNow]()
        self._steps += 1
        self.service.live = live
        for code, link in self.links.items():
            at, real = self.now(), self.real()
            verdict = link.watch.verdict(real)
            said = f"{verdict.state}/{verdict.share_bp}"
            if self._steps % TRACE_EVERY == 0:
                link.step(verdict.evidence.oldest_ms)
            if not self.desk.has(code):
                continue  # paper has no health to watch
            live[code] = link.live(verdict, self.desk.lane(code), self.desk.backlog(code), at)
            if verdict.probe_at and real >= verdict.probe_at:
                self._spawn(looking.probe(self, link))
            if said == link.said:
                continue
            command = cmd.SetBreaker(code, (), verdict.state, verdict.share_bp, told(verdict), 0, at)
            await self.tell([Submission(f"breaker/{code}/{at}", command)])
            link.said = said

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _age(self) -> None:
        """Accepted, then no progress: the failure that no error code tells of. A node that stands still is given up for itself."""
        for code, link in self.links.items():
            at = self.now()
            found = await self.read(partial(standing.node_ages, connection=code, at=at))
            made = standing.weigh(link, found, at)
            if made:
                await self.tell(made)
            link.watch.aged(*standing.others(link, found), self.real())


def _standing(shard: Shard) -> tuple[dict[int, Connection], list[tuple[Dispatch, int]], set[str]]:
    """Connections by node, open dispatches and those under way with their urgency, and connections whose breaker is not closed."""
    state = shard.state
    state.touched.clear()
    found = [_urgent(state, remote_id) for held in (state.open_dispatches, state.under_way) for remote_id in held]
    sick = {
        state.connected[n].code for n, held in state.verdicts.items() if n in state.connected and CONNECTION in held
    }
    return dict(state.connected), found, sick


def _still_wanted(shard: Shard, call: Call) -> bool:
    """Whether the engine still wants this call: asked on the writer's thread, right before the bytes leave."""
    d = shard.state.dispatches.get(call.remote_id)
    return d is not None and d.op == call.op


def _told_nothing(shard: Shard, call: Call, result: Result) -> bool:
    """Whether a look at an order that goes well told what is known: nothing to journal."""
    d = shard.state.dispatches.get(call.remote_id)
    if d is None or call.op != "get" or d.state not in {HELD, LIVE} or result.outcome != "ok" or d.absent or d.tries:
        return False
    known = {parcel.package_id: parcel for parcel in d.parcels}
    same = all(known.get(parcel.package_id) == parcel for parcel in result.parcels) and set(result.short) <= set(
        d.short
    )
    released_in_vain = d.state == LIVE and result.remote == "HELD"
    return same and result.remote == d.remote and not released_in_vain


def touched(shard: Shard) -> list[tuple[Dispatch, int]]:
    """Dispatches that changed since this was last asked, with the promise day of their order."""
    state = shard.state
    found = [_urgent(state, remote_id) for remote_id in state.touched]
    state.touched.clear()
    return found


def _urgent(state: State, remote_id: str) -> tuple[Dispatch, int]:
    """A dispatch and how urgent its next call is: by promise, and what has left after everything that can still be saved."""
    d = state.dispatches[remote_id]
    return d, state.orders[d.order_id].promise_day + (NO_HURRY_DAYS if d.state == GONE else 0)


def told(verdict: Verdict) -> str:
    """A verdict with its numbers, for people."""
    seen = verdict.evidence
    words = f"{verdict.why}: {seen.failed} failed and {seen.slow} slow of {seen.calls} calls"
    if seen.stalled:
        words += f", {seen.stalled} of {seen.accepted} accepted orders stand still"
    return words


def ages(shard: Shard, connection: str, at: int) -> tuple[int, int]:
    """Orders of a connection that stand still, of how many that were accepted."""
    state = shard.state
    live = [
        d
        for d in (state.dispatches[remote_id] for remote_id in state.open_dispatches)
        if d.state == LIVE and d.node in state.connected and state.connected[d.node].code == connection
    ]
    return sum(is_stalled(state, d, at) for d in live), len(live)


def _has_to_move(shard: Shard, at: int) -> bool:
    return next(drainable(shard.state, at), None) is not None
