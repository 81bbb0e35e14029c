"""A run in live use: its shard behind the one writer, the network file in force, the clock, and the board that shows it."""

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from tranship.connectors import netfile
from tranship.core.errors import InputError, TranshipError, UnavailableError
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile
from tranship.core.order import Destination, Order, OrderLine, Person
from tranship.core.time import MICROS_PER_HOUR
from tranship.engine import commands as cmd
from tranship.engine.asking import MICROS_PER_DAY, build_ask, situation
from tranship.engine.board import Board
from tranship.engine.clock import Clock, SystemClock
from tranship.engine.leak_keeper import LeakKeeper
from tranship.engine.leaks import budgets_of
from tranship.engine.live import LiveShard, Placing, changed, open_live, placing
from tranship.engine.merge import merged
from tranship.engine.networks import Costs, LiveNow, NetworksNow, take_networks, with_live
from tranship.engine.outward import Masker
from tranship.engine.pricing import Pricer
from tranship.engine.shard import Answer, Shard, Submission, fingerprint
from tranship.engine.snapshots import has_solver
from tranship.engine.state import OrderState
from tranship.engine.view import Snapshot, View, take_snapshot
from tranship.engine.writer import Writer
from tranship.routing.decide import decide as route
from tranship.store.location import shown
from tranship.store.vault_care import Caretaker
from tranship.store.vaulting import kek_of, open_vault


class Placed(msgspec.Struct, frozen=True):
    """What an order came to: the first answer's bytes (JSON), and whether it was given before."""

    order_id: str
    reply: bytes
    repeated: bool


class Service:
    """One party's engine, open for orders. Made by `open`; every method may be called from any thread."""

    def __init__(
        self, shard: LiveShard, clock: Clock, *, folder: Path | None = None, curve_s: int = 60, prices: bool = True
    ) -> None:
        """Use `open`.

        `folder`: the run, beside which its key lies. `curve_s`: seconds of the clock in one bar of the order curve. `prices`: make
        them as the policy says.
        """
        self._shard, self.clock = shard, clock
        self.store, self.people = shard.store, shard.people
        self.network: NetworkFile = shard.state.require_network()
        self.skus, self.nodes = self.network.sku_index(), self.network.node_index()
        self.board = Board(shard.store, curve_s=curve_s)
        self.writer = Writer(shard)
        self.pricer = Pricer(self.writer, clock) if prices and has_solver(None) else None
        self.leak_keeper = (
            LeakKeeper(self.writer, clock, shard.people.vault.leak_secret()) if budgets_of(self.network) else None
        )
        self.live: dict[str, LiveNow] = {}  # what the driver sees of each connection; made anew, never changed
        self._costs: Costs = {}
        self._looking = threading.Lock()
        self._folder = folder
        self._masking = threading.Lock()
        self._masker: Masker | None = None
        self._caretaker: Caretaker | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        network: Path | str | netfile.Loaded | None = None,
        *,
        create: bool = False,
        shadow: bool = False,
        clock: Callable[[int], Clock] = SystemClock,
        curve_s: int = 60,
        progress: Callable[[int], None] | None = None,
    ) -> "Service":
        """Open the run in `folder` (made where `create`) and bring a network file into force, with its opening balances.

        `clock` is called with the time of the run's last event. Without `network` the run's own document stays in force.
        `shadow`: decide on live orders and send nothing to any network; a run is one for good, or never.
        Raises InputError where there is no run, or nothing to route by; UnavailableError where somebody else writes to it.
        """
        loaded = netfile.load(network) if isinstance(network, Path | str) else network
        shard = open_live(folder, create=create, progress=progress)
        try:
            check_shadow(shard, folder, shadow=shadow)
            if loaded is not None:
                document = msgspec.structs.replace(loaded.network, shadow=shadow)
                bring_into_force(
                    shard, msgspec.structs.replace(loaded, network=document), clock(shard.state.last_at).now()
                )
            _check_usable(shard, folder)
            warm(shard, shard.state.last_at)
            return cls(shard, clock(shard.state.last_at), folder=folder, curve_s=curve_s)
        except BaseException:
            shard.store.close()
            raise

    # -- orders and stock ---------------------------------------------------------------------------------------------

    async def aplace(self, order: Order, person: Person | None = None, request_key: str = "") -> Placed:
        """Take and route an order; returns after the commit. `order.placed_at` 0 means now.

        The same request again gives the first answer. Raises ConflictError where its number or key was used with other
        content, InputError where it cannot be taken, UnavailableError where the engine cannot take it now.
        """
        asked = placing(order, self.clock.now(), person, request_key)
        return self._placed(asked, await self.writer.asubmit(asked))

    def place(self, order: Order, person: Person | None = None, request_key: str = "") -> Placed:
        """As `aplace`, for a thread."""
        asked = placing(order, self.clock.now(), person, request_key)
        return self._placed(asked, self.writer.submit(asked))

    def _placed(self, asked: Placing, answer: Answer) -> Placed:
        error = answer.error
        if error is None and answer.repeated:
            error = changed(self.store, self.people, asked)
        if error is not None:
            raise error
        return Placed(asked.key.removeprefix("order/").replace("/", ":", 1), answer.reply, answer.repeated)

    def receipt(self, ref: str, node: str, lines: Sequence[tuple[str, int]]) -> Submission:
        """The submission that books received units; InputError naming a node, SKU or quantity that cannot be."""
        if node not in self.nodes:
            raise InputError(f"unknown node {node!r}", where="node", hint=f"Known nodes: {', '.join(self.nodes)}.")
        for i, (sku, quantity) in enumerate(lines):
            if sku not in self.skus or self.network.skus[self.skus[sku]].parts:
                hint = "An article of the SKU file that is no bundle."
                raise InputError(f"SKU {sku!r} cannot be received", where=f"lines[{i}].sku", hint=hint)
            if quantity < 1:
                raise InputError(f"quantity {quantity} is not at least 1", where=f"lines[{i}].qty")
        skus, quantities = tuple(self.skus[sku] for sku, _ in lines), tuple(quantity for _, quantity in lines)
        command = cmd.ReceiveStock(ref, self.nodes[node], int(Bucket.SUPPLIER), skus, quantities, self.clock.now())
        content = fingerprint(node.encode(), msgspec.json.encode(lines))
        return Submission(f"receipt/{ref}", command, content)

    async def areceive(self, ref: str, node: str, lines: Sequence[tuple[str, int]]) -> bool:
        """Book received units under `ref`, once; False where they were booked before. Errors as in `aplace`."""
        answer = await self.writer.asubmit(self.receipt(ref, node, lines))
        if answer.error is not None:
            raise answer.error
        return not answer.repeated

    def receive(self, ref: str, node: str, lines: Sequence[tuple[str, int]]) -> bool:
        """As `areceive`, for a thread."""
        answer = self.writer.submit(self.receipt(ref, node, lines))
        if answer.error is not None:
            raise answer.error
        return not answer.repeated

    # -- clock --------------------------------------------------------------------------------------------------------

    def tick(self) -> Submission:
        """The submission that lets happen what is due now."""
        at = self.clock.now()
        return Submission(f"tick/{at}", cmd.Tick(at))

    async def run_clock(self, every_s: float) -> None:
        """Tick every so many real seconds until cancelled; one tick at a time."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self._care)
            try:
                answer = await self.writer.asubmit(self.tick())
            except UnavailableError:
                continue  # the queue is full: orders come first, the next tick does what this one would have
            if answer.error is not None and not isinstance(answer.error, UnavailableError):
                await self._stands(answer.error)

    async def _stands(self, error: TranshipError) -> None:
        """The clock does not get through: nothing ships, moves or is released, so a person has to know, once an hour."""
        at = self.clock.now()
        text = f"the clock could not go on: {type(error).__name__}"
        report = cmd.ReportException("clock_stopped", "clock", text, at)
        with contextlib.suppress(UnavailableError):
            await self.writer.asubmit(Submission(f"clock/{at // MICROS_PER_HOUR}", report))

    # -- masking ------------------------------------------------------------------------------------------------------

    def masker(self) -> Masker:
        """Aliases and audit rows of this run. UnavailableError where its keys cannot be had: then nothing can leave."""
        with self._masking:
            if self._masker is None:
                assert self._folder is not None, "a service that hands over was opened on a run"
                kek = kek_of(self._folder)
                self._masker = Masker(open_vault(self.store, self.people, kek, now=self.clock.now))
            return self._masker

    def _care(self) -> None:
        """A piece of what the vault needs in the long run, also where nothing was masked since the start: tokens of earlier days expire.

        What stands against it now is tried again at the next tick.
        """
        if self._folder is None:
            return
        with contextlib.suppress(TranshipError):  # `tranship vault status` tells what it is
            if self._caretaker is None and (self._masker is not None or self.store.masking_keys()):
                self._caretaker = Caretaker(self.store, self.masker().vault)
            if self._caretaker is not None:
                self._caretaker.turn()

    # -- looking ------------------------------------------------------------------------------------------------------

    def view(self) -> View:
        """The board now."""
        with self._looking:  # the board is fed by one at a time
            while self.board.catch_up():
                pass
            at = self.clock.now()
            snapshot, networks = self.writer.call(lambda shard: (snapshot_of(shard), self._networks(shard, at)))
            return self.board.view(snapshot, with_live(networks, self.live), now=at)

    def _networks(self, shard: Shard, at: int) -> NetworksNow:
        return take_networks(shard.state, at, self._costs)

    def networks(self) -> NetworksNow:
        """Connections, quarantine and drift now."""
        at = self.clock.now()
        with self._looking:
            found = self.writer.call(partial(self._networks, at=at))
            return with_live(self.board.told(found), self.live)

    def close(self) -> None:
        """Finish what waits, stop the writer, close the store."""
        if self.pricer is not None:
            self.pricer.close()
        if self.leak_keeper is not None:
            self.leak_keeper.close()
        self.writer.close()


def _check_usable(shard: Shard, folder: Path) -> None:
    if shard.state.network is None:
        raise InputError("the run has no network document yet", where=shown(folder), hint="Name a network file.")
    if not shard.state.network.skus:
        hint = "Name a SKU file in the network file (sku_file), or serve a run that has SKUs."
        raise InputError("the network has no SKUs: no order could be taken", where=shown(folder), hint=hint)


def check_shadow(shard: Shard, folder: Path, *, shadow: bool) -> None:
    """InputError where a shadow would go on as the real thing, or the other way round: its orders were shipped by somebody else."""
    held = shard.state.network
    if held is not None and held.shadow != shadow:
        what = "was a shadow: its orders were decided and never sent" if held.shadow else "is no shadow: it hands over"
        hint = "Serve another run" if held.shadow else "Give the shadow a run of its own (--run)"
        raise InputError(f"the run {what}", where=shown(folder), hint=hint)


def snapshot_of(shard: Shard) -> Snapshot:
    """What the board needs of a shard at rest."""
    return take_snapshot(shard.state, shard.seq)


def bring_into_force(shard: Shard, loaded: netfile.Loaded, at: int) -> None:
    """Load a network document where another one (or none) is in force, and book its opening balances once per node."""
    network = merged(shard.state.network, loaded.network)
    document = netfile.to_document(network)
    sha256 = hashlib.sha256(document).hexdigest()
    if sha256 != shard.state.network_sha:
        _must(shard, Submission(f"network/{sha256}/{at}", cmd.LoadNetwork(document, sha256, at)))
    by_node: dict[str, list[tuple[str, int]]] = {}
    for balance in loaded.stock:
        by_node.setdefault(balance.node, []).append((balance.sku, balance.qty))
    nodes, skus = network.node_index(), network.sku_index()
    for node, pairs in by_node.items():
        positions, quantities = tuple(skus[sku] for sku, _ in pairs), tuple(quantity for _, quantity in pairs)
        command = cmd.ReceiveStock("opening", nodes[node], int(Bucket.OPENING), positions, quantities, at)
        _must(shard, Submission(f"opening-balance/{node}", command))


def warm(shard: Shard, at: int) -> None:
    """Decide made-up orders without keeping anything, so that compiling does not hold up the first real one."""
    state = shard.state
    network = state.require_network()
    goods = [i for i, sku in enumerate(network.skus) if not sku.parts]
    for count in (1, 2, 9):  # one line, a split, and more lines than the exact search takes
        lines = tuple(OrderLine(str(i), network.skus[sku].code, 1) for i, sku in enumerate(goods[:count]))
        order = Order("", "", network.channels[0].code, at, Destination(network.nodes[0].zip), lines, network.currency)
        held = OrderState(order, goods[:count], at // MICROS_PER_DAY + 9)
        ask, _ = build_ask(state, held, list(range(len(lines))), [1] * len(lines), at)
        route(ask, state.facts(at // MICROS_PER_DAY), situation(state))


def _must(shard: Shard, submission: Submission) -> None:
    (answer,) = shard.submit([submission])
    if answer.error is not None:
        raise answer.error
