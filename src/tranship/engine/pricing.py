"""Keeps a live run's prices fresh: on a schedule, and soon after what they were made from has changed much.

A thread of its own looks every few seconds whether a book is due. It takes a snapshot between two batches of the writer, has it
solved in another process, and submits what comes back as a command like any other. Nothing that goes wrong here stops the writer:
a solver that fails, hangs or returns nonsense is ended, shown as an exception of the run, and tried again later.
"""

import os
import pickle
import subprocess
import sys
import threading
from typing import NamedTuple

import msgspec

from tranship.core.errors import TranshipError, UnavailableError
from tranship.core.ledger import Bucket
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine import commands as cmd
from tranship.engine.clock import Clock
from tranship.engine.shard import Shard, Submission
from tranship.engine.snapshots import SOLVER_MODULE, HistoryLog, hours_between, setting, snapshot_of
from tranship.engine.watching import Watcher
from tranship.engine.writer import Writer
from tranship.routing.prices.snapshot import FEWEST_ORDERS, Snapshot

SOLVER = f"{SOLVER_MODULE}:solve"
"""The solver, by name: it is imported by the process that solves."""
LOOK_S = 2.0
"""Real seconds between two looks at whether a book is due."""
REST_S = 10.0
"""Real seconds from the end of one solve to the start of the next, at least: shocks that come together are answered once. After one
that failed: the same, then twice as long each time, at most an hour."""
MUCH_STOCK_BP = 500
"""Units received since the last book, in basis points of what was on the shelves then, that make a new one due."""
CLOSING_BP = 1000
"""Room under a cap, in basis points of its limit, below which it is closing."""
GRACE_S = 5.0
"""Real seconds that a process has to end when told to."""


class Signals(NamedTuple):
    """What is looked at to tell whether prices are due."""

    orders: int
    made_at: int  # of the book in force; 0: none
    on: bool
    every_hours: int
    network: str
    closed: frozenset[int]
    received: int  # units that ever came in
    shelved: int  # units on the shelves
    closing: frozenset[str]  # networks whose cap has hardly any room


class PricingNow(msgspec.Struct, frozen=True):
    """How the making of prices stands. `error` is what went wrong last, empty once it went well again."""

    solving: bool = False
    made: int = 0
    failed: int = 0
    error: str = ""
    reason: str = ""  # of the last book


class Pricer(Watcher[PricingNow]):
    """Makes prices for one writer until it is closed."""

    def __init__(
        self, writer: Writer, clock: Clock, *, solver: str = SOLVER, look_s: float = LOOK_S, rest_s: float = REST_S,
    ) -> None:  # fmt: skip
        """`solver` names a function as `module:name`. Starts its thread."""
        super().__init__("tranship-prices", PricingNow(), look_s)
        self._writer, self._clock, self._solver, self._rest_s = writer, clock, solver, rest_s
        self._log = HistoryLog()  # only touched on the writer's thread
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._last: Signals | None = None  # when the last book was asked for
        self._asked_at = 0  # by the engine's clock
        self._thread.start()

    def close(self) -> None:
        """End a solve that is under way, and the thread. A second call does nothing."""
        with self._lock:
            self._closing.set()
            if self._process is not None:
                self._process.terminate()
        super().close()

    # -- the thread -----------------------------------------------------------------------------------------------

    def _later(self, error: str) -> None:
        self._wait(self._rest_s)
        self._stands(msgspec.structs.replace(self.now, solving=False, error=error))

    def _look(self) -> None:
        signals = self._writer.call(signals_of)
        at = self._clock.now()
        reason = due(signals._replace(made_at=max(signals.made_at, self._asked_at)), self._last, at)
        if not reason:
            return
        snapshot = self._writer.call(lambda shard: snapshot_of(shard.state, self._log, at, reason))
        if snapshot is None:
            return
        self._last = signals
        self._stands(msgspec.structs.replace(self.now, solving=True))
        limit_s = self._writer.call(lambda shard: shard.state.require_network().policy.prices_limit_s)
        document = self._solved(snapshot, limit_s)
        command = setting(document, reason, self._clock.now())
        answer = self._writer.submit(Submission(f"prices/{at}/{command.sha256[:16]}", command))
        if answer.error is not None:
            raise answer.error
        self._streak, self._asked_at = 0, at
        self._wait(self._rest_s)
        self._stands(PricingNow(False, self.now.made + 1, self.now.failed, "", reason))

    def _solved(self, snapshot: Snapshot, limit_s: float) -> bytes:
        """The book's document, made by another process; TranshipError where it fails or takes too long."""
        paths = os.pathsep.join(path for path in sys.path if path)
        with self._lock:
            if self._closing.is_set():
                raise UnavailableError("the engine is stopping")
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", "tranship.engine.pricing_child", self._solver],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,  # Ctrl-C is for the engine, which then ends this
            )  # fmt: skip
        try:
            document, said = process.communicate(pickle.dumps(snapshot, pickle.HIGHEST_PROTOCOL), timeout=limit_s)
        except subprocess.TimeoutExpired:
            raise TranshipError(f"making prices took longer than {limit_s:g} seconds") from None
        finally:
            with self._lock:
                self._process = None
            _end(process)
        if process.returncode:
            last = said.decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
            raise TranshipError(f"the price solver ended with code {process.returncode}: {last[0][:200]}")
        return document

    def _failed(self, error: Exception) -> None:
        self._wait_longer(self._rest_s, self._streak)
        self._streak += 1
        self._last = None
        text = str(error) or type(error).__name__
        made, failed = self.now.made, self.now.failed + 1
        if self._streak == 1:
            at = self._clock.now()
            detail = f"prices stay as they are: {text}"
            command = cmd.ReportException("prices", "price book", detail, at)
            try:
                self._writer.submit(Submission(f"prices-failed/{at}", command))
            except Exception:  # noqa: BLE001, S110 - it is shown in `now`; the writer is stopping or full
                pass
        self._stands(PricingNow(False, made, failed, text, self.now.reason))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Leave no process behind: told to end, and after some seconds made to."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was still to be written has no reader
                pass


def signals_of(shard: Shard) -> Signals:
    """What tells whether prices are due; read on the writer's thread."""
    state = shard.state
    network = state.require_network()
    balance = state.ledger.balance
    closing = set()
    for cap in state.caps:
        total = cap.total
        if (total.most - total.inside_capped) * 10_000 < CLOSING_BP * total.most:
            closing.add(cap.network)
    prices = state.prices
    return Signals(
        orders=len(state.orders),
        made_at=prices.made_at if prices else 0,
        on=network.policy.prices == "on",
        every_hours=hours_between(state),
        network=state.network_sha,
        closed=frozenset(state.closed),
        received=-int(balance[Bucket.SUPPLIER].sum() + balance[Bucket.OPENING].sum()),
        shelved=int(balance[Bucket.FULFILLABLE].sum()),
        closing=frozenset(closing),
    )


def due(now: Signals, last: Signals | None, at: int) -> str:
    """Why a book is due at this moment; empty where none is. `last` is what was seen when the last one was asked for."""
    if not now.on or now.orders < FEWEST_ORDERS:
        return ""
    if now.made_at == 0 or at - now.made_at >= now.every_hours * MICROS_PER_HOUR:
        return "schedule"
    if last is None:
        return ""
    if now.network != last.network:
        return "network"
    if now.closed != last.closed:
        return "node"
    if (now.received - last.received) * 10_000 > MUCH_STOCK_BP * max(1, last.shelved):
        return "stock"
    return "cap" if now.closing - last.closing else ""
