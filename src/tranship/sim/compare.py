"""What the cap costs: the commands of a run, carried out once more under changed caps. Same events in, other decisions out.

An *arm* is one way to run them:

* `as_run`: the caps as they were. It must come to what the run came to; that is the check that a comparison means something.
* `none`: no cap binds (each is set to 100 %, without price or reserve, so that its counters still measure the share).
* `counter`: the bare counter. The same hard limit, but no bucket that drives a price and no reserve: room goes to whoever comes first.

Stock arrives in every arm as it did in the run. Nothing is written.
"""

import signal
from array import array
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec

from tranship.connectors.netfile import from_document, to_document
from tranship.core.errors import DamageError, InputError, TranshipError
from tranship.core.network import FULL_BP, NetworkFile, ShareCap
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.decide import execute
from tranship.engine.memory import calm_collector
from tranship.engine.run import open_store
from tranship.engine.shard import decoded
from tranship.engine.state import CANCELLED, State
from tranship.engine.verify import command_of
from tranship.routing.prices.model import decode as decode_prices
from tranship.routing.prices.model import encode as encode_prices
from tranship.routing.share import CapState
from tranship.store.port import Store

ARMS = ("as_run", "none", "counter")
"""Every arm there is."""
ROWS_PER_TELL = 500
"""Commands between two reports of progress."""
SLOTS = 600
"""Points of a share's course over time: more than a page can show."""

Progress = Callable[[str, float, float], None]


class ArmCap(msgspec.Struct):
    """One cap's counters in one arm. Shares are basis points of the cap's measure."""

    network: str
    cap_bp: int  # the limit that held in this arm
    window: int
    measure: str
    max_share_bp: int  # over all prefixes and full windows, total and channels: what `max_window_share` says
    full_max_bp: int  # over full windows of the total only; 0 where the window never filled
    entered: int  # size of all entries of the total
    at: list[int]  # UTC micros: ends of equal slots of time with a decision in them
    high_bp: list[int]  # per slot: the highest share of the total's window


class ArmNetwork(msgspec.Struct):
    """What one network ships in one arm, of what still stands at the end. Cost in micros."""

    fulfillment_orders: int = 0
    units: int = 0
    cost: int = 0


class Arm(msgspec.Struct):
    """What the same orders come to in one arm. Units: ordered = placed + parked + expired + cancelled."""

    name: str
    orders: int = 0
    orders_placed: int = 0  # orders with a fulfillment order that stands
    fulfillment_orders: int = 0
    cost: int = 0  # micros, of fulfillment orders that stand
    units_ordered: int = 0
    units_placed: int = 0
    units_parked: int = 0  # still wait at the end
    units_expired: int = 0  # waited past the promise, or given up by policy
    units_cancelled: int = 0  # taken back by the customer before they shipped
    units_returned: int = 0
    units_late: int = 0
    networks: dict[str, ArmNetwork] = {}
    caps: list[ArmCap] = []


def compare(
    store: Store, arms: Sequence[str] = ("none", "counter"), progress: Progress | None = None, *, until: int = 0
) -> list[Arm]:
    """Run these arms one after another in this process, up to the journal row `until` (0: all of it).

    Raises InputError on an unknown arm, DamageError on a journal that cannot be read.
    """
    known(arms)
    last = until or store.last_seq()[0]
    results = []
    for i, name in enumerate(arms):

        def tell(seq: int, done: int = i * last) -> None:
            if progress:
                progress("comparing", done + seq, last * len(arms))

        results.append(run_arm(store, name, tell, until=until))
    return results


def compare_run(
    folder: Path,
    arms: Sequence[str] = ("none", "counter"),
    progress: Progress | None = None,
    *,
    until: int = 0,
    processes: int = 2,
) -> list[Arm]:
    """The same for the run in `folder`, each arm in a process of its own, at most `processes` at a time."""
    known(arms)
    if processes <= 1 or len(arms) <= 1:
        store = open_store(folder, read_only=True)
        try:
            return compare(store, arms, progress, until=until)
        finally:
            store.close()
    return _in_processes(folder, list(arms), progress, until, processes)


def known(arms: Sequence[str]) -> None:
    """Refuse an arm that does not exist."""
    for name in arms:
        if name not in ARMS:
            raise InputError(f"no arm {name!r}", where="compare", hint=f"Arms: {', '.join(ARMS)}.")


def changed_caps(network: NetworkFile, arm: str) -> NetworkFile:
    """The network document as this arm sees it: only the caps differ."""
    return msgspec.structs.replace(network, caps=tuple(_changed(cap, arm) for cap in network.caps))


def _changed(cap: ShareCap, arm: str) -> ShareCap:
    if arm == "none":
        return msgspec.structs.replace(cap, cap_bp=FULL_BP, price_micros=0, reserve=0)
    if arm == "counter":
        return msgspec.structs.replace(cap, price_micros=0, reserve=0)
    return cap


# -- one arm ----------------------------------------------------------------------------------------------------------


def run_arm(store: Store, name: str, tell: Callable[[int], None] | None = None, *, until: int = 0) -> Arm:
    """Carry out every command of the journal on a fresh state under the arm's caps. `tell` hears the journal row reached."""
    documents: dict[str, bytes] = {}
    state = State(documents.__getitem__)
    watches: list[_Watch] = []
    count = 0
    for seq, first in _first_events(store, until):
        command = _under(command_of(store, state, [first]), name, documents, state)
        for event in execute(state, command):
            if isinstance(event, ev.OrderRouted | ev.OrdersMoved):
                for watch in watches:
                    watch.look(event.at)
        if isinstance(command, cmd.LoadNetwork):
            watches = _watches(state.caps, watches)
        count += 1
        if tell and count % ROWS_PER_TELL == 0:
            tell(seq)
    return _result(name, state, watches)


def _first_events(store: Store, until: int) -> Iterator[tuple[int, ev.Event]]:
    """(row, event) that begins each command: it carries all of the command; what follows is decided anew."""
    for row in store.journal():
        if until and row.seq > until:
            return
        if row.n == 0:
            yield row.seq, decoded(row)


def _under(command: cmd.Command, arm: str, documents: dict[str, bytes], state: State) -> cmd.Command:
    """The command as the arm has it. Prices stay those of the run, except that an arm of other caps has no price of their room."""
    if isinstance(command, cmd.SetPrices):
        documents.pop(state.price_sha, None)
        if arm != "as_run":
            book = decode_prices(command.document)
            document = encode_prices(msgspec.structs.replace(book, network=state.network_sha, caps=()))
            command = cmd.SetPrices(document, sha256(document).hexdigest(), command.reason, command.at)
        documents[command.sha256] = command.document
        return command
    if isinstance(command, cmd.SetLeakPlan):
        documents[command.sha256] = command.document  # the budget is that of the run, in every arm
        return command
    if not isinstance(command, cmd.LoadNetwork):
        return command
    document = to_document(changed_caps(from_document(command.document), arm))
    name = command.sha256 if arm == "as_run" else sha256(document).hexdigest()
    documents[name] = command.document if arm == "as_run" else document
    return cmd.LoadNetwork(documents[name], name, command.at)


class _Watch:
    """Follows one cap's window over time. Capped entries of a decision come last, so its end is where its share is highest."""

    def __init__(self, cap: CapState) -> None:
        self.cap = cap
        self.full_max_bp = 0
        self._entries = 0
        self._at, self._bp = array("q"), array("i")

    def look(self, at: int) -> None:
        """After a decision: note the share, where it entered anything."""
        window = self.cap.total
        if len(window) == self._entries:
            return
        self._entries = len(window)
        share = window.share_bp()
        if window.inside >= window.window:
            self.full_max_bp = max(self.full_max_bp, share)
        self._at.append(at)
        self._bp.append(share)

    def result(self) -> ArmCap:
        """What was seen."""
        cap = self.cap
        at, high_bp = _slots(self._at, self._bp)
        high = max([cap.total.max_share_bp, *(window.max_share_bp for window in cap.channels.values())])
        return ArmCap(
            cap.cap.network, cap.cap.cap_bp, cap.cap.window, cap.cap.measure, high, self.full_max_bp,
            cap.total.entered, at, high_bp,
        )  # fmt: skip


def _slots(at: "array[int]", bp: "array[int]") -> tuple[list[int], list[int]]:
    """The highest value in each of at most SLOTS equal slots of time."""
    if not at:
        return [], []
    width = (at[-1] - at[0]) // SLOTS + 1
    high: dict[int, int] = {}
    for moment, value in zip(at, bp, strict=True):
        slot = (moment - at[0]) // width
        high[slot] = max(high.get(slot, 0), value)
    return [min(at[-1], at[0] + (slot + 1) * width) for slot in high], list(high.values())


def _watches(caps: list[CapState], before: list[_Watch]) -> list[_Watch]:
    """Watches of the caps in force; a counter that stayed under a new document keeps what was seen of it."""
    out = []
    for cap in caps:
        watch = next((w for w in before if w.cap.total is cap.total), None) or _Watch(cap)
        watch.cap = cap
        out.append(watch)
    return out


def _result(name: str, state: State, watches: list[_Watch]) -> Arm:
    arm = Arm(name, networks={}, caps=[watch.result() for watch in watches])
    networks = [node.network for node in state.network.nodes] if state.network else []
    for held in state.orders.values():
        ordered = sum(line.qty for line in held.order.lines)
        standing = [part for part in held.parts.values() if part.status != CANCELLED]
        placed = sum(part.units() for part in standing)
        parked = sum(sum(rest.quantities) for rest in held.rests.values())
        cancelled = ordered - placed - parked - held.unplaced
        assert cancelled >= 0, (
            f"{held.order.source}:{held.order.number} has more units placed, parked and expired than ordered"
        )
        arm.orders += 1
        arm.orders_placed += bool(standing)
        arm.units_ordered += ordered
        arm.units_placed += placed
        arm.units_parked += parked
        arm.units_expired += held.unplaced
        arm.units_cancelled += cancelled
        for part in standing:
            mine = arm.networks.setdefault(networks[part.node], ArmNetwork())
            mine.fulfillment_orders += 1
            mine.units += part.units()
            mine.cost += part.cost
            arm.units_late += part.units() if part.late else 0
            arm.units_returned += sum((part.returned or {}).values())
    arm.fulfillment_orders = sum(mine.fulfillment_orders for mine in arm.networks.values())
    arm.cost = sum(mine.cost for mine in arm.networks.values())
    return arm


# -- arms side by side ------------------------------------------------------------------------------------------------


def _in_processes(folder: Path, arms: list[str], progress: Progress | None, until: int, processes: int) -> list[Arm]:
    """Fresh interpreters (spawn): nothing of this process is shared but the folder's name. A failure ends all of them."""
    context = get_context("spawn")
    waiting, results, reached = list(enumerate(arms)), dict[int, Arm](), dict[int, float]()
    running: dict[Connection, tuple[int, object]] = {}
    workers = []
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                index, name = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                worker = context.Process(target=_work, args=(theirs, str(folder), name, until), daemon=True)
                worker.start()
                theirs.close()
                workers.append(worker)
                running[ours] = (index, worker)
            for pipe in wait(list(running)):
                assert isinstance(pipe, Connection)
                index, _ = running[pipe]
                found = _heard(pipe, arms[index])
                if isinstance(found, Arm):
                    results[index], reached[index] = found, 1.0
                    del running[pipe]
                    pipe.close()
                else:
                    reached[index] = found
                if progress:
                    progress("comparing", sum(reached.values()) / len(arms) * 100, 100)
    finally:
        for worker in workers:
            if worker.is_alive() and len(results) < len(arms):
                worker.terminate()
            worker.join()
    return [results[i] for i in range(len(arms))]


def _heard(pipe: Connection, arm: str) -> float | Arm:
    """What a worker says: how far it is, its arm, or why it cannot."""
    try:
        kind, body = pipe.recv()
    except EOFError as error:
        raise TranshipError(f"the process that compared {arm!r} ended without an answer (out of memory?)") from error
    if kind == "arm":
        return msgspec.msgpack.decode(body, type=Arm)
    if kind == "error":
        raise DamageError(str(body))
    return float(body)


def _work(pipe: Connection, folder: str, name: str, until: int) -> None:
    """A worker's whole life. Ctrl-C is the parent's business: it ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calm_collector()
    try:
        store = open_store(Path(folder), read_only=True)
        try:
            last = until or max(1, store.last_seq()[0])
            arm = run_arm(store, name, lambda seq: pipe.send(("at", seq / last)), until=until)
        finally:
            store.close()
        pipe.send(("arm", msgspec.msgpack.encode(arm)))
    except TranshipError as error:
        pipe.send(("error", str(error)))
    finally:
        pipe.close()
