"""One arm: every command of the journal once more, under an overlay's rules. The same `execute` as live; the store is only read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from tranship.connectors.netfile import from_document, to_document
from tranship.connectors.netfile.overlay import Outage, Overlay
from tranship.core.errors import DamageError, InputError, TranshipError
from tranship.core.network import LeakBudget, NetworkFile, Policy
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.decide import execute, order_id_of
from tranship.engine.digest import GENESIS
from tranship.engine.evolve import evolve
from tranship.engine.leak_plans import plans_now, terms_of
from tranship.engine.leaks import budgets_of
from tranship.engine.shard import checked, decoded
from tranship.engine.state import State
from tranship.engine.verify import command_of, commands_of
from tranship.rates.cards import cast_cards, raw_card
from tranship.routing.leak.model import decode as decode_leak_plan
from tranship.routing.leak.model import week_of
from tranship.routing.prices.model import decode as decode_prices
from tranship.routing.prices.model import encode as encode_prices
from tranship.routing.share import CapState
from tranship.sim.trial.outcome import CapOutcome, Notes, Outcome
from tranship.store.port import JournalRow, Store

ROWS_PER_TELL = 500
"""Commands between two reports of progress."""
MICROS_PER_DAY = 86_400_000_000

Change = Callable[[NetworkFile], tuple[NetworkFile, tuple[Outage, ...]]]


@dataclass(frozen=True)
class Period:
    """From the first command at or after `first` to the last before `until` (UTC micros; 0: open), up to journal row `last`."""

    first: int = 0
    until: int = 0
    last: int = 0


@dataclass(frozen=True)
class Variation:
    """What an arm changes. `myopic`: prices that look ahead are left out and nothing is decided again before it ships.

    `recorded`: the run's own events are applied and nothing is decided: four times as fast, and the run by definition.
    """

    name: str
    note: str = ""
    overlay: Overlay | None = None
    myopic: bool = False
    recorded: bool = False
    leaks: tuple[LeakBudget, ...] | None = None  # leak budgets in place of the document's

    def changed(self, network: NetworkFile) -> tuple[NetworkFile, tuple[Outage, ...]]:
        """The document as this arm has it, and nodes that are down for a time."""
        outages: tuple[Outage, ...] = ()
        if self.overlay is not None:
            network, outages = self.overlay.bind(network)
        if self.leaks is not None:
            network = msgspec.structs.replace(network, leaks=self.leaks)
        if self.myopic:
            network = msgspec.structs.replace(network, policy=_myopic(network.policy))
        return network, outages


def _myopic(policy: Policy) -> Policy:
    """The policy that looks at the order at hand only."""
    off: dict[str, object] = {"prices": "off", "redecide": False}
    known = {field.name for field in msgspec.structs.fields(Policy)}
    return msgspec.structs.replace(policy, **{name: value for name, value in off.items() if name in known})


AS_RUN = Variation("as run")
RECORDED = Variation("as run", recorded=True)


def walk(store: Store, variation: Variation, period: Period, tell: Callable[[int], None] | None = None) -> Outcome:
    """Carry the period's commands out under `variation`, from the state that the run had when it began.

    `AS_RUN` also holds every event against the journal, and the journal against its chain. Raises DamageError where
    the journal cannot be read, InputError where the run's network file cannot take the overlay.
    """
    return walked(store, variation, period, tell).outcome()


def walked(store: Store, variation: Variation, period: Period, tell: Callable[[int], None] | None = None) -> "Arm":
    """The same, with the state at the end."""
    arm = Arm(store, variation, period)
    count = 0
    for rows in _commands(store, period, checking=variation in (AS_RUN, RECORDED)):
        count += 1
        if not arm.take(rows):
            break
        if tell and count % ROWS_PER_TELL == 0:
            tell(rows[0].seq)
    return arm


def _commands(store: Store, period: Period, *, checking: bool) -> Iterator[list[JournalRow]]:
    """Rows of each command; `checking` recomputes the chain."""

    def read() -> Iterator[JournalRow]:
        chain, seq = GENESIS, 0
        for row in store.journal():
            if period.last and row.seq > period.last:
                break
            if checking:
                chain = checked(row, seq, chain)
                seq = row.seq
            yield row

    return commands_of(read())


class Arm:
    """A state on its way through the journal."""

    def __init__(self, store: Store, variation: Variation, period: Period) -> None:
        self.store, self.variation, self.period = store, variation, period
        self.documents: dict[str, bytes] = {}
        self.state = State(self._document)
        self.as_run = variation == AS_RUN
        self.begun = False
        self.notes = Notes()
        self.watches: list[_Watch] = []
        self.capped: dict[str, frozenset[int]] = {}
        self.planned = False
        self.down: list[tuple[int, str, bool]] = []  # (time, node, closed) still to come
        self.held_down: dict[str, bool] = {}  # node that is down for a time -> what the run itself says of it
        self.out = Outcome(variation.name, variation.note)
        self.compared = 0
        self.leak_week = -1  # plans of this arm's own were looked at in
        self.leak_plans: dict[str, str] = {}  # network -> hash of the plan that this arm made
        self.documents_in_force: list[NetworkFile] = []  # in the period
        self.first_at = self.last_at = 0

    def _document(self, sha: str) -> bytes:
        body = self.documents.get(sha)
        return body if body is not None else self.store.document(sha)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def take(self, rows: list[JournalRow]) -> bool:
        """One command of the run; False once the period is over."""
        at = rows[0].at
        if self.period.until and at >= self.period.until:
            return False
        if not self.begun and at >= self.period.first:
            self._begin(at)
        if not self.begun:
            for row in rows:
                self._evolve(row)
            return True
        self.last_at = max(self.last_at, at)
        if self.variation.recorded:
            self._apply(rows)
            return True
        while self.down and self.down[0][0] <= at:
            when, node, closed = self.down.pop(0)
            self._switch(when, node, closed=closed)
        command = self._changed(command_of(self.store, self.state, [decoded(rows[0])]))
        if isinstance(command, cmd.PlaceOrder) and not self.as_run:
            self._plan_leaks(command.at)
        if command is not None:
            self._carry_out(command, rows if self.as_run else None)
        return True

    def _evolve(self, row: JournalRow) -> None:
        try:
            evolve(self.state, decoded(row))
        except TranshipError:
            raise
        except Exception as error:
            raise DamageError(f"journal row {row.seq} ({row.kind}, key {row.key}) cannot be true: {error}") from error

    def _begin(self, at: int) -> None:
        """The period begins: what changes, changes now."""
        self.begun = True
        state = self.state
        self.first_at = self.last_at = at
        self.out.parked_before = sum(len(held.rests) for held in state.orders.values())
        for cap in state.caps:
            for window in (cap.total, *cap.channels.values()):
                window.max_share_bp = 0  # what came before is not this arm's
        if state.network is None:
            return
        self._watch()
        if self.variation.recorded:
            return
        command = self._load(state.network, self.period.first)
        if command is not None and command.sha256 != state.network_sha:
            self._carry_out(command, None)

    def _load(self, network: NetworkFile, at: int) -> cmd.LoadNetwork | None:
        changed, outages = self.variation.changed(network)
        if not self.planned:
            self._plan(outages)
        if changed == network:
            return None
        document = to_document(changed)
        name = sha256(document).hexdigest()
        self.documents[name] = document
        return cmd.LoadNetwork(document, name, at)

    def _plan(self, outages: tuple[Outage, ...]) -> None:
        self.planned = True
        for one in outages:
            if one.until is not None and one.until * MICROS_PER_DAY <= self.period.first:
                continue  # over before the period begins
            self.down.append((max(one.first * MICROS_PER_DAY, self.period.first), one.node, True))
            if one.until is not None:
                self.down.append((max(one.until * MICROS_PER_DAY, self.period.first), one.node, False))
        self.down.sort()

    # -- commands -----------------------------------------------------------------------------------------------------

    def _changed(self, command: cmd.Command) -> cmd.Command | None:
        """The command as this arm has it; None where it does not happen here."""
        if self.as_run:
            return command
        if isinstance(command, cmd.LoadNetwork):
            return self._load(from_document(command.document), command.at) or command
        if isinstance(command, cmd.SetPrices):
            return self._prices(command)
        if isinstance(command, cmd.SetLeakPlan):
            return command if self._same_budget(command) else None
        if isinstance(command, cmd.SwitchNode) and command.node in self.held_down:
            self.held_down[command.node] = command.closed  # comes true when the outage is over
            return None
        return command

    def _prices(self, command: cmd.SetPrices) -> cmd.SetPrices | None:
        """The run's own book, for this arm's document; no price of room where caps are others."""
        state = self.state
        if self.variation.myopic or getattr(state.require_network().policy, "prices", "on") == "off":
            return None
        self.documents.pop(state.price_sha, None)
        book = decode_prices(command.document)
        if book.network != state.network_sha:
            before = from_document(self.store.document(book.network)).caps
            caps = book.caps if before == state.require_network().caps else ()
            document = encode_prices(msgspec.structs.replace(book, network=state.network_sha, caps=caps))
            command = cmd.SetPrices(document, sha256(document).hexdigest(), command.reason, command.at)
        self.documents[command.sha256] = command.document
        return command

    def _same_budget(self, command: cmd.SetLeakPlan) -> bool:
        """Whether the run's own plan was made for the budgets that this arm has."""
        plan = decode_leak_plan(command.document)
        budgets = budgets_of(self.state.require_network())
        return plan.networks == tuple(budget.network for budget in budgets) and any(
            budget.network == plan.network and terms_of(budget) == command.terms for budget in budgets
        )

    def _plan_leaks(self, at: int) -> None:
        """Leak plans for budgets that the run did not have, week by week; their keys are made up."""
        if self.state.leaks is None or week_of(at) == self.leak_week:
            return
        self.leak_week = week_of(at)
        secret = sha256(f"try {self.state.network_sha}".encode()).digest()
        for command in plans_now(self.state, secret, at):
            network = decode_leak_plan(command.document).network
            self.documents.pop(self.leak_plans.get(network, ""), None)
            self.documents[command.sha256], self.leak_plans[network] = command.document, command.sha256
            self._carry_out(command, None)

    def _switch(self, at: int, node: str, *, closed: bool) -> None:
        state = self.state
        if closed:
            self.held_down.setdefault(node, state.nodes[node] in state.closed)
        else:
            closed = self.held_down.pop(node, False)
        self._carry_out(cmd.SwitchNode(node, closed, "try", at), None)

    def _carry_out(self, command: cmd.Command, rows: list[JournalRow] | None) -> None:
        state, notes = self.state, self.notes
        if isinstance(command, cmd.PlaceOrder):
            skus = [state.skus[line.sku] for line in command.order.lines]
            notes.ask(state.ledger.fulfillable, skus, [line.qty for line in command.order.lines], state.bundles)
        try:
            events = self._events(command)
        except InputError as error:
            what = f"order {order_id_of(command.order)}" if isinstance(command, cmd.PlaceOrder) else "a command"
            raise InputError(f"{what} of the run cannot be taken here: {error}", where=self.variation.name) from error
        self.out.commands += 1
        if rows is not None:
            self._compare(events, rows)
        if isinstance(command, cmd.LoadNetwork):
            self._watch()
        elif isinstance(command, cmd.SetPrices):
            self.out.price_books += 1

    def _events(self, command: cmd.Command) -> list[ev.Event]:
        events = []
        placing = isinstance(command, cmd.PlaceOrder)
        for event in execute(self.state, command):
            events.append(event)
            self._note(event, placing=placing)
        return events

    def _apply(self, rows: list[JournalRow]) -> None:
        """A command of the run as it was carried out."""
        placing = False
        for row in rows:
            self._evolve(row)
            event = decoded(row)
            if isinstance(event, ev.OrderAccepted):
                placing = True
                self.notes.ask_nothing(len(event.order.lines), len(self.state.nodes))
            self._note(event, placing=placing)
            if isinstance(event, ev.NetworkLoaded):
                self._watch()
        self.out.commands += 1
        self.compared += len(rows)

    def _note(self, event: ev.Event, *, placing: bool) -> None:
        notes = self.notes
        if isinstance(event, ev.OrderRouted) and not event.rest and placing:
            notes.decided(event.order_id, event.at, event.decision.why, self.capped)
        if isinstance(event, ev.OrderRouted | ev.OrdersMoved):
            for watch in self.watches:
                watch.look()
        elif isinstance(event, ev.PartVoided) or (isinstance(event, ev.RestReduced) and event.reason == "cancelled"):
            notes.took_back(event.order_id, event.lines, event.quantities)

    def _compare(self, events: list[ev.Event], rows: list[JournalRow]) -> None:
        # read and not as bytes: an event of an earlier release lacks a field that came later, and says the same
        if not self.out.differs and events != [decoded(row) for row in rows]:
            self.out.differs = f"command {rows[0].key} (journal row {rows[0].seq})"
        self.compared += len(rows)

    # -- what it came to ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        before = {id(watch.cap.total): watch for watch in self.watches}
        self.watches = [_Watch(cap, before.get(id(cap.total))) for cap in self.state.caps]
        self.capped = {cap.network: cap.nodes for cap in self.state.caps}
        self.documents_in_force.append(self.state.require_network())

    def outcome(self) -> Outcome:
        """Everything as it stands now."""
        out, network = self.out, self.state.network
        if network is not None:
            out.nodes = tuple(node.code for node in network.nodes)
            out.networks = tuple(node.network for node in network.nodes)
            cards = cast_cards(network.cards)
            out.cards = tuple(repr(sorted(raw_card(cards, node.card).items())) for node in network.nodes)
        self.notes.into(out, self.state.orders)
        out.caps = [watch.result() for watch in self.watches]
        if self.variation.recorded:
            out.checked = f"{self.compared:,} events as recorded, chain recomputed"
        elif self.as_run and not out.differs:
            out.checked = f"{self.compared:,} events decided again, every one as the run has it"
        return out


class _Watch:
    """Follows one cap. Capped entries of a decision come last, so its end is where its share is highest."""

    def __init__(self, cap: CapState, before: "_Watch | None") -> None:
        self.cap = cap
        self.full_bp: int = before.full_bp if before else 0
        self.late_start = 0
        self.entered_before: int = before.entered_before if before else cap.total.entered
        self.breaches_before: int = before.breaches_before if before else cap.breaches
        self.settled = cap.total.share_bp() <= cap.cap.cap_bp
        if not self.settled:
            self.full_bp = 0

    def look(self) -> None:
        """After a decision."""
        window = self.cap.total
        share = window.share_bp()
        if not self.settled:  # a tighter limit than the one that filled this window: its share has to come down first
            self.late_start += 1
            self.settled = share <= self.cap.cap.cap_bp
            if self.settled:
                for one in (window, *self.cap.channels.values()):
                    one.max_share_bp = one.share_bp()
        elif share > self.full_bp and window.inside >= window.window:
            self.full_bp = share

    def result(self) -> CapOutcome:
        """What was seen."""
        cap, total = self.cap, self.cap.total
        high = max([total.max_share_bp, *(window.max_share_bp for window in cap.channels.values())])
        return CapOutcome(
            cap.network, cap.cap.measure, cap.cap.window, cap.cap.cap_bp, high, self.full_bp, total.share_bp(), self.late_start,
            total.entered - self.entered_before, cap.breaches - self.breaches_before,
        )  # fmt: skip
