"""`tranship replay`: a recorded file of orders, run through the real engine on a virtual clock."""

import hashlib
import heapq
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from tranship.connectors import netfile
from tranship.connectors.files.intake import stage
from tranship.connectors.files.mapping import PRESETS, choose, named
from tranship.connectors.files.model import Reject, Staged
from tranship.core.errors import ConflictError, InputError, TranshipError
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile
from tranship.core.order import Person
from tranship.core.time import MICROS_PER_HOUR, at_local, local_day_minute
from tranship.engine import commands as cmd
from tranship.engine.events import FileTaken
from tranship.engine.leak_plans import plans_now
from tranship.engine.leaks import budgets_of
from tranship.engine.memory import calm_collector
from tranship.engine.merge import merged
from tranship.engine.rhythm import MINUTES_BEFORE
from tranship.engine.run import open_shard
from tranship.engine.shard import Answer, Shard, Submission, fingerprint
from tranship.engine.snapshots import HistoryLog, Solve, has_solver, hours_between, solve_now
from tranship.engine.state import CANCELLED
from tranship.routing.leak.model import MICROS_PER_WEEK, week_of
from tranship.sim.rejects import save_rejects
from tranship.sim.world.derive import World, derive
from tranship.store.location import files_of

ORDERS_IN_BATCH = 200
"""Submissions per transaction: small enough that Ctrl-C answers at once, large enough that the disk is not the limit."""
DAYS_AFTER = 21
"""Days the clock runs on after the last order, so that what is due ships, arrives or expires."""

Progress = Callable[[str, float, float], None]
"""Called with a phase, how much of it is done and how much there is."""


class Summary(msgspec.Struct):
    """What a replay came to. The last line of `tranship replay --json`.

    Lines, orders, cancels, units and fulfillment orders are those of the file, also where the run has taken other files before;
    `max_window_share`, `events`, `state_hash` and what begins with `run_` are of the run.
    """

    lines_read: int
    lines_accepted: int
    lines_rejected: int
    orders: int
    max_window_share: float
    seconds: float
    peak_rss_mb: float
    complete: bool
    cancels: int
    fulfillment_orders: int
    units_ordered: int
    units_placed: int
    events: int
    state_hash: str
    rejected_by_reason: dict[str, int]
    refused: int
    orders_taken: int = (
        0  # orders of the file that the run holds: fewer than `orders` where it was stopped, or some were refused
    )
    units_taken: int = 0  # units that these order
    run_orders: int = 0
    run_fulfillment_orders: int = 0
    run_units_placed: int = 0


def replay(
    path: Path,
    network_path: Path,
    run: Path,
    *,
    form: str | None = None,
    mapping: str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] = bool,
    solve: Solve | None = None,
) -> Summary:
    """Read, stage and validate the whole file, then run its orders; safe to stop and to run again.

    `solve` makes the prices (default: the solver), as often as the policy says, at fixed moments of the virtual clock.
    Raises InputError before anything is committed where the file or the network cannot be used.
    """
    began = time.perf_counter()
    tell = progress or (_silent)
    loaded = netfile.load(network_path)
    chosen = _mapping(loaded.network, mapping, path, network_path)
    staged = stage(path, mapping=chosen, format=form, progress=lambda part: tell("reading", part, 1.0))
    world = derive(staged, loaded.network, stock_given=bool(loaded.stock))
    calm_collector()
    shard = open_shard(run, create=True, progress=lambda seq: tell("rebuilding", seq, 0))
    try:
        player = _Player(shard, staged, world, loaded.network, tell, solve)
        complete = player.play(stop, [(s.node, s.sku, s.qty) for s in loaded.stock])
        save_rejects(files_of(run) / "rejects.csv", staged, player.refused)
        return player.summary(began, complete)
    finally:
        shard.store.close()


def _mapping(network: NetworkFile, name: str | None, path: Path, where: Path) -> Mapping[str, object] | None:
    """The `[source.NAME]` table to read a file with: the one named, else the one whose `match` fits the file's name."""
    if name is None:
        found = choose(network.sources, path)
        return found[1] if found else None
    if name not in network.sources and name not in PRESETS:
        known = ", ".join({**network.sources, **PRESETS})
        raise InputError(f"no [source.{name}]", where=str(where), hint=f"Known sources: {known}.")
    return named(network.sources, name) if name in network.sources else {"preset": name}


def _silent(phase: str, done: float, total: float) -> None:
    """Progress that nobody watches."""


class _Player:
    """Feeds a shard from a staged file: every command with its own key, so that running it again changes nothing."""

    def __init__(
        self,
        shard: Shard,
        staged: Staged,
        world: World,
        network: NetworkFile,
        tell: Progress,
        solve: Solve | None = None,
    ) -> None:
        self.solve, self.history = solve, HistoryLog()
        self.shard, self.staged, self.world, self.tell = shard, staged, world, tell
        self.refused: list[Reject] = []
        self.network = merged(shard.state.network, _with_goods(network, world, shard.state.network))
        skus, nodes = self.network.sku_index(), self.network.node_index()
        self.sku_at = [skus[sku.code] for sku in world.skus]
        self.node_at = [nodes[node.code] for node in network.nodes]
        self.channel = _default_channel(staged, network)

    def play(self, stop: Callable[[], bool], stock: list[tuple[str, str, int]]) -> bool:
        """Run all commands in time order; False when stopped on the way."""
        total = len(self.staged.orders) + len(self.staged.cancels)
        waiting: list[tuple[Submission, int]] = []
        done = 0
        if self.staged.orders:
            # a batch of its own: a run that goes on must cut the later ones exactly as one that was never stopped
            for submission in self._preamble(self.staged.orders[0].placed_at, stock):
                waiting.append((submission, -1))
                if len(waiting) >= ORDERS_IN_BATCH:
                    self._flush(waiting)
            self._flush(waiting)
        again = self._played_before()
        for due, order in self._submissions():
            if due is None:
                done += self._flush(waiting)
                if not again:
                    self._set_prices(order) if order >= 0 else self._set_leak_plans(-order)
            else:
                waiting.append((due, order))
                if len(waiting) < ORDERS_IN_BATCH:
                    continue
                done += self._flush(waiting)
            self.tell("orders", done, total)
            if stop():
                return False
        done += self._flush(waiting)
        self.tell("orders", done, total)
        return True

    def summary(self, began: float, complete: bool) -> Summary:
        """Counts of this file, and of the run as it stands."""
        state = self.shard.state
        staged = self.staged
        elsewhere = {reject.document for reject in self.refused}  # of these the run holds other content, or nothing
        taken = [order for order in staged.orders if order.number not in elsewhere]
        taken = [order for order in taken if f"{staged.source}:{order.number}" in state.orders]
        held = [state.orders[f"{staged.source}:{order.number}"] for order in taken]
        parts = [part for order in held for part in order.parts.values() if part.status != CANCELLED]
        everything = [
            part for order in state.orders.values() for part in order.parts.values() if part.status != CANCELLED
        ]
        refused_lines = len(self.refused)
        reasons = dict(staged.reasons)
        for reject in self.refused:
            reasons[reject.reason] = reasons.get(reject.reason, 0) + 1
        share = max((cap.total.max_share_bp for cap in state.caps), default=0)
        per_channel = max((w.max_share_bp for cap in state.caps for w in cap.channels.values()), default=0)
        return Summary(
            lines_read=staged.read,
            lines_accepted=staged.accepted - refused_lines,
            lines_rejected=len(staged.rejects) + refused_lines,
            orders=len(staged.orders),
            max_window_share=max(share, per_channel) / 10_000,
            seconds=round(time.perf_counter() - began, 3),
            peak_rss_mb=round(peak_rss_mb(), 1),
            complete=complete,
            cancels=len(staged.cancels),
            fulfillment_orders=len(parts),
            units_ordered=sum(line.qty for order in staged.orders for line in order.lines),
            units_placed=sum(part.units() for part in parts),
            events=self.shard.seq,
            state_hash=self.shard.hash(),
            rejected_by_reason=reasons,
            refused=refused_lines,
            orders_taken=len(taken),
            units_taken=sum(line.qty for order in taken for line in order.lines),
            run_orders=len(state.orders),
            run_fulfillment_orders=len(everything),
            run_units_placed=sum(part.units() for part in everything),
        )

    # -- commands in time order -----------------------------------------------------------------------------------

    def _submissions(self) -> Iterator[tuple[Submission | None, int]]:
        """(submission, index of its order or -1), by time; at one moment stock first, then orders, cancels and the clock.

        (None, time) is where prices are made, (None, -time) where leak plans are.
        """
        staged = self.staged
        if not staged.orders:
            return
        first = staged.orders[0].placed_at
        streams = [
            ((r.at, 0, i) for i, r in enumerate(self.world.receipts)),
            ((order.placed_at, 1, i) for i, order in enumerate(staged.orders)),
            ((cancel.at, 2, i) for i, cancel in enumerate(staged.cancels)),
            ((at, 3, at) for at in self._ticks(first)),
            ((at, 4, at) for at in self._price_moments()),
            ((at, -1, -at) for at in self._weeks()),
        ]
        for at, kind, i in heapq.merge(*streams):
            if kind == 0:
                yield self._receipt("receipt", i), -1
            elif kind == 1:
                yield self._order(i), i
            elif kind == 2:
                yield self._cancel(i), -1
            elif kind in (4, -1):
                yield None, i
            else:
                # by file: the orders of a second file of the same weeks need a clock of their own
                yield Submission(f"tick/{staged.sha256[:12]}/{at}", cmd.Tick(at)), -1

    def _preamble(self, first: int, stock: list[tuple[str, str, int]]) -> Iterator[Submission]:
        staged, at = self.staged, first - 2
        document = netfile.to_document(self.network)
        sha = hashlib.sha256(document).hexdigest()
        if sha != self.shard.state.network_sha:
            version = self.shard.state.network_version + 1  # a file that returns to an earlier network loads it again
            yield Submission(f"network/{version}/{sha}", cmd.LoadNetwork(document, sha, at))
        taken = FileTaken(
            staged.source, staged.file, staged.sha256, staged.read, staged.accepted, len(staged.rejects),
            dict(staged.reasons), tuple(self.world.banner), tuple(staged.notes), at,
        )  # fmt: skip
        yield Submission(f"file/{staged.sha256}", cmd.TakeFile(taken))
        for i in range(len(self.world.opening)):
            yield self._receipt("opening", i)
        yield from self._given_stock(stock, at)

    def _given_stock(self, stock: list[tuple[str, str, int]], at: int) -> Iterator[Submission]:
        by_node: dict[str, list[tuple[str, int]]] = {}
        for node, sku, quantity in stock:
            by_node.setdefault(node, []).append((sku, quantity))
        nodes, skus = self.network.node_index(), self.network.sku_index()
        for node, pairs in by_node.items():
            command = cmd.ReceiveStock(
                "opening", nodes[node], int(Bucket.OPENING), tuple(skus[s] for s, _ in pairs),
                tuple(q for _, q in pairs), at,
            )  # fmt: skip
            content = msgspec.msgpack.encode((node, pairs))
            yield Submission(f"opening-balance/{node}", command, fingerprint(content))

    def _receipt(self, kind: str, i: int) -> Submission:
        receipt = (self.world.opening if kind == "opening" else self.world.receipts)[i]
        source = Bucket.OPENING if kind == "opening" else Bucket.SUPPLIER
        ref = f"{kind}/{self.staged.sha256[:12]}/{i}"
        skus = tuple(self.sku_at[s] for s in receipt.skus.tolist())
        node = self.node_at[receipt.node]
        command = cmd.ReceiveStock(ref, node, int(source), skus, tuple(receipt.quantities.tolist()), receipt.at)
        return Submission(ref, command)

    def _order(self, i: int) -> Submission:
        staged = self.staged.orders[i]
        order = self.world.order(self.staged, i, self.channel)
        person = staged.person or (Person(ref=staged.customer) if staged.customer else None)
        key = f"order/{order.source}/{order.number}"
        return Submission(key, cmd.PlaceOrder(order, order.placed_at), staged.fingerprint, person, order.source)

    def _cancel(self, i: int) -> Submission:
        cancel = self.staged.cancels[i]
        order_id = f"{self.staged.source}:{cancel.order}"
        ref = f"{cancel.number}#{cancel.key}"
        command = cmd.TakeBack(order_id, cancel.line, cancel.qty, ref, cancel.at)
        return Submission(f"cancel/{self.staged.source}/{cancel.number}/{cancel.key}", command)

    def _ticks(self, first: int) -> Iterable[int]:
        """The cut-off of every node on every day of the file, for some days after, and a moment before each, for a last look."""
        last = max(o.placed_at for o in self.staged.orders) + DAYS_AFTER * 86_400_000_000
        moments: set[int] = set()
        for node in self.network.nodes:
            day, _ = local_day_minute(first, node.zone)
            end, _ = local_day_minute(last, node.zone)
            for minute in (node.cutoff_min - MINUTES_BEFORE, node.cutoff_min):
                moments.update(at_local(d, max(0, minute), node.zone) for d in range(day, end + 1))
        return sorted(at for at in moments if first < at <= last)

    # -- prices ---------------------------------------------------------------------------------------------------

    def _price_moments(self) -> Iterator[int]:
        """Moments of the virtual clock at which prices are made: one every so many hours, where orders came since the last."""
        policy = self.network.policy
        if policy.prices != "on" or not has_solver(self.solve):
            return
        step = policy.prices_every_hours * MICROS_PER_HOUR
        last = -1
        for order in self.staged.orders:
            slot = order.placed_at // step
            if last >= 0 and slot > last:
                yield (last + 1) * step
            last = slot

    def _played_before(self) -> bool:
        """Whether this file was run to its end: then what is run again changes nothing, and no prices are made."""
        if not self.staged.orders:
            return False
        ticks = list(self._ticks(self.staged.orders[0].placed_at))
        key = f"tick/{self.staged.sha256[:12]}/{ticks[-1]}" if ticks else ""
        return bool(self.shard.store.find_keys([key]))

    def _set_prices(self, at: int) -> None:
        """Make prices of the state as it stands at this moment; a run that goes on has made them where it is past it."""
        key = f"prices/{self.staged.sha256[:12]}/{at}"
        state = self.shard.state
        if state.last_at > at or self.shard.store.find_keys([key]):
            return
        if state.prices is not None and at - state.prices.made_at < hours_between(state) * MICROS_PER_HOUR:
            return  # the last one did not pay
        command = solve_now(self.shard.state, self.history, at, "schedule", self.solve)
        if command is not None:
            (answer,) = self.shard.submit([Submission(key, command)])
            if answer.error is not None:
                raise answer.error

    # -- leak plans -----------------------------------------------------------------------------------------------

    def _weeks(self) -> Iterator[int]:
        """Moments of the virtual clock at which leak plans are made: the beginning of each week with orders before it."""
        if not budgets_of(self.network):
            return
        first, last = (week_of(order.placed_at) for order in (self.staged.orders[0], self.staged.orders[-1]))
        yield from (week * MICROS_PER_WEEK for week in range(first + 1, last + 1))

    def _set_leak_plans(self, at: int) -> None:
        """Make the plans that are due at this moment; a run that goes on has made them where it is past it."""
        state, name = self.shard.state, f"leak/{self.staged.sha256[:12]}/{at}"
        if state.last_at > at:
            return
        for command in plans_now(state, self.shard.people.vault.leak_secret(), at):
            (answer,) = self.shard.submit([Submission(f"{name}/{command.sha256[:16]}", command)])
            if answer.error is not None:
                raise answer.error

    # -- answers --------------------------------------------------------------------------------------------------

    def _flush(self, waiting: list[tuple[Submission, int]]) -> int:
        answers = self.shard.submit([submission for submission, _ in waiting])
        follow: list[Submission] = []
        for (submission, order), answer in zip(waiting, answers, strict=True):
            if answer.error is not None:
                follow.extend(self._failed(submission, order, answer))
        for start in range(0, len(follow), ORDERS_IN_BATCH):
            for answer in self.shard.submit(follow[start : start + ORDERS_IN_BATCH]):
                if answer.error is not None:
                    raise answer.error
        count = sum(1 for submission, order in waiting if order >= 0 or isinstance(submission.command, cmd.TakeBack))
        waiting.clear()
        return count

    def _failed(self, submission: Submission, order: int, answer: Answer) -> Iterator[Submission]:
        """An order with other content than before is an exception; one that cannot be taken is rejected, line by line."""
        error = answer.error
        if order < 0 or not isinstance(error, ConflictError | InputError):
            raise error if error is not None else TranshipError("no answer")
        staged = self.staged.orders[order]
        if isinstance(error, ConflictError):
            key = f"changed/{submission.key}/{staged.fingerprint.hex()}"
            subject = f"{self.staged.source}:{staged.number}"
            detail = f"{self.staged.file} has this order with other content than the one taken before; the first stands"
            yield Submission(key, cmd.ReportException("changed_order", subject, detail, staged.placed_at))
            reason, text = "changed_order", "the first content stands"
        else:
            reason, text = "refused", str(error)
        self.refused.extend(Reject(line.at_line, staged.number, reason, text) for line in staged.lines)


def _with_goods(network: NetworkFile, world: World, before: NetworkFile | None) -> NetworkFile:
    """The network with the world's SKUs; what was derived for an earlier file of the run stays as it is."""
    stated = {sku.code for sku in network.skus}
    held = {sku.code: sku for sku in before.skus} if before else {}
    goods = tuple(sku if sku.code in stated else held.get(sku.code, sku) for sku in world.skus)
    return msgspec.structs.replace(network, skus=goods)


def _default_channel(staged: Staged, network: NetworkFile) -> str:
    named = network.sources.get(staged.source, {}).get("channel")
    return str(named) if named else network.channels[0].code


def peak_rss_mb() -> float:
    """Peak resident memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
