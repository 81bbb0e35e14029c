"""One shard: the single writer's synchronous heart. Takes a batch of submissions, decides them in order, commits once, answers.

Nothing is answered before its transaction is durable. A commit that fails leaves the hot state ahead of the disk, so the
state is thrown away and rebuilt from the journal before the next batch.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from tranship.core.errors import ConflictError, DamageError, InputError, TranshipError, UnavailableError
from tranship.core.order import Person
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.answer import answer_of
from tranship.engine.decide import execute, order_id_of
from tranship.engine.digest import GENESIS, link, run_hash
from tranship.engine.evolve import evolve
from tranship.engine.leaks import HOME
from tranship.engine.many import FEW, quick_runs
from tranship.engine.rows import StockMoves, project
from tranship.engine.state import State
from tranship.masking.audit import AuditDraft, Chain
from tranship.store.people import People
from tranship.store.port import AddressRow, Batch, JournalRow, KeyRow, PayloadRow, PersonRow, Store, TokenRow

MOST_IN_BATCH = 500
"""Submissions that share one transaction at most."""


class Ids(Protocol):
    """Where new ids come from: a sequence in recorded runs, random when live."""

    def person(self, state: State) -> str:
        """A person_id that was never used in this shard."""

    def household(self, state: State) -> str:
        """The same for a household."""


class RecordedIds:
    """Ids of recorded runs: numbered by first appearance, so that a resumed run gives the same ones."""

    def person(self, state: State) -> str:
        """The next person number; `evolve` counts it once the order is accepted."""
        return f"P{state.people + 1}"

    def household(self, state: State) -> str:
        """The next household number, likewise."""
        return f"{HOME}{state.leaks.homes + 1 if state.leaks is not None else 1}"


class Submission(msgspec.Struct):
    """A command on its way in: idempotency key, digest of its content, and the personal data that must not be journaled."""

    key: str
    command: cmd.Command
    fingerprint: bytes = b""
    person: Person | None = None  # of an order, or what is new of the address that it goes to
    person_source: str = ""
    payloads: tuple[PayloadRow, ...] = ()  # sealed bytes of the intents of a hand-over
    tokens: tuple[TokenRow, ...] = ()  # new ones, in the bytes or for what a network told of a person
    audits: tuple[AuditDraft, ...] = ()  # who was told what kind of thing; those of intents that were left out stay out
    people: tuple[PersonRow, ...] = ()  # new ones, of orders that software tells a network itself
    expiry: tuple[tuple[int, str, str], ...] = ()  # (expires_at, network, scope), as in Batch.token_expiry


class Answer(msgspec.Struct):
    """What a submission came to: the first answer's bytes, or why it was refused. `repeated`: it was carried out before."""

    reply: bytes = b""
    error: TranshipError | None = None
    repeated: bool = False


class Shard:
    """State, store and chain of one party. Not thread-safe: one writer calls it."""

    def __init__(
        self, store: Store, people: People, ids: Ids, *, progress: Callable[[int], None] | None = None
    ) -> None:
        self.store, self.people, self.ids = store, people, ids
        self._bodies: dict[str, bytes] = {}
        self._audit = Chain(store.last_audit())
        self._drafts: list[AuditDraft] = []  # of the batch that is being made
        self.state = State(self._document)
        self.seq = 0
        self.chain = GENESIS
        self._stale = False
        self._moves = StockMoves()
        self.rebuild(progress)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _document(self, sha256: str) -> bytes:
        body = self._bodies.get(sha256)
        return body if body is not None else self.store.document(sha256)

    def rebuild(self, progress: Callable[[int], None] | None = None) -> None:
        """Make the state anew from the journal, checking chain and end; DamageError names the first bad row."""
        state = State(self._document)
        chain, seq = GENESIS, 0
        for row in self.store.journal():
            chain = checked(row, seq, chain)
            seq = row.seq
            evolve(state, decoded(row))
            if progress and seq % 5000 == 0:
                progress(seq)
        self._audit = Chain(self.store.last_audit())
        left = self.store.last_seq()
        if left != ((seq, chain) if seq else (0, b"")):
            raise DamageError(f"the journal ends at row {seq}, the run was left at row {left[0]}: restore a backup")
        self.state, self.chain, self.seq, self._stale = state, chain, seq, False

    def hash(self) -> str:
        """The state hash now."""
        return run_hash(self.chain, self.state)

    # -- writing ------------------------------------------------------------------------------------------------------

    def submit(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Carry out up to MOST_IN_BATCH submissions in order, in one transaction; answers in the same order."""
        if len(submissions) > MOST_IN_BATCH:
            raise ValueError(f"at most {MOST_IN_BATCH} submissions in a batch, got {len(submissions)}")
        if self._stale:
            self.rebuild()
        try:
            return self._submit(submissions)
        except UnavailableError as error:  # disk or lock: the same batch may go through later, none of it did now
            return [Answer(error=error) for _ in submissions]
        except Exception as error:  # noqa: BLE001 - whatever it was: nothing of this batch happened, and others are waiting
            self.rebuild()
            if len(submissions) == 1:
                return [Answer(error=_as_ours(error))]
            middle = len(submissions) // 2  # bisect, so that one bad command does not take others with it
            return self.submit(submissions[:middle]) + self.submit(submissions[middle:])

    def _submit(self, submissions: Sequence[Submission]) -> list[Answer]:
        batch = Batch()
        self._moves, self._drafts = StockMoves(), []
        answers: list[Answer] = []
        fresh: dict[str, KeyRow] = {}
        self._stale = True  # until the commit has gone through
        stored = self.store.find_keys([submission.key for submission in submissions])
        try:
            most = MOST_IN_BATCH
            while len(answers) < len(submissions):
                submission = submissions[len(answers)]
                known = fresh.get(submission.key) or stored.get(submission.key)
                if known is not None:
                    answers.append(_repeated(submission, known))
                    continue
                orders = self._orders(submissions[len(answers) : len(answers) + most], stored, fresh, batch)
                if orders:
                    answers += self._carry_out_orders(orders, batch, fresh)
                    most = 2 * FEW if answers[-1].error else 2 * most  # ids after a refused order are given in vain
                else:
                    answers.append(self._carry_out(submission, batch, fresh))
            if batch.journal:
                self._moves.into(self.state, batch)
                if batch.addresses:
                    taken = {row.order_id for row in batch.orders} | {
                        row[-1] for row in batch.order_to
                    }  # no refused ones
                    rows = {row.order_id: row for row in batch.addresses if row.order_id in taken}
                    batch.addresses = list(rows.values())
                batch.audits = self._audit.rows(self._drafts)
                self.store.commit(batch)
                self._audit.committed(batch.audits)
                self._bodies.clear()  # they are in the store now
        except BaseException:
            self.people.forget([row.person_id for row in batch.people])  # they were found before they were stored
            raise
        self._stale = False
        return answers

    def _carry_out(self, submission: Submission, batch: Batch, fresh: dict[str, KeyRow]) -> Answer:
        people = len(batch.people)
        try:
            command = self._identified(submission, batch)
        except InputError as error:
            return Answer(error=error)
        return self._execute(submission, command, people, batch, fresh)

    def _execute(
        self, submission: Submission, command: cmd.Command, people: int, batch: Batch, fresh: dict[str, KeyRow]
    ) -> Answer:
        """Carry out one command; what was added to `batch` from person row `people` on goes again where it is refused."""
        first = self.seq + 1
        events: list[ev.Event] = []
        homes = len(batch.households)
        try:
            if self.state.leaks is not None and isinstance(command, cmd.PlaceOrder):
                command = self._housed(command, submission.person, batch)
            address = self._address(submission, command, batch)
            if isinstance(command, cmd.LoadNetwork | cmd.SetPrices | cmd.SetLeakPlan):
                self._bodies[command.sha256] = command.document
            for event in execute(self.state, command):
                self._append(submission.key, len(events), event, batch)
                events.append(event)
        except (InputError, ConflictError) as error:
            if events:
                raise
            self.people.forget([row.person_id for row in batch.people[people:]])
            del batch.people[people:], batch.households[homes:]
            return Answer(error=error)
        if address is not None:
            batch.addresses.append(address)
        if isinstance(command, cmd.KeepMasked):
            batch.people += submission.people
            batch.payloads += submission.payloads
            batch.token_expiry += submission.expiry
            self._drafts += submission.audits
        elif submission.payloads:
            taken = {event.dispatch.remote_id for event in events if isinstance(event, ev.Dispatched)}
            batch.payloads += [row for row in submission.payloads if row.remote_id in taken]
            self._drafts += [draft for draft in submission.audits if draft.subject in taken]
        else:
            self._drafts += submission.audits
        batch.tokens += submission.tokens
        return self._answer(submission, command, events, first, batch, fresh)

    def _housed(self, command: cmd.PlaceOrder, person: Person | None, batch: Batch) -> cmd.PlaceOrder:
        """The order with the household that it goes to, where a leak budget asks for it and an address is said."""
        order, said = command.order, command.order.said
        if person is None or said.household or said.pickup or said.b2b or not order.person_id:
            return command
        named = self.people.household(
            order.person_id, person, order.to, batch.households, lambda: self.ids.household(self.state)
        )
        if not named.household_id:
            return command
        if named.row is not None:
            batch.households.append(named.row)
        terms = msgspec.structs.replace(said, household=named.household_id)
        return msgspec.structs.replace(command, order=msgspec.structs.replace(order, terms=terms))

    def _address(self, submission: Submission, command: cmd.Command, batch: Batch) -> AddressRow | None:
        """The sealed row of a new address; None where nothing personal was said. InputError where nobody can be sent to any more."""
        if not isinstance(command, cmd.ChangeAddress) or submission.person is None:
            return None
        held = self.state.orders.get(command.order_id)
        person_id = held.order.person_id if held is not None else ""
        row = next((row for row in batch.people if row.person_id == person_id), None) or self.store.person(person_id)
        if row is None:
            raise InputError("the order names nobody, or the person was erased", where="customer")
        written = next((each for each in reversed(batch.addresses) if each.order_id == command.order_id), None)
        return self.people.new_address(command.order_id, row, submission.person, written)

    def _answer(
        self, submission: Submission, command: cmd.Command, events: list[ev.Event], first: int, batch: Batch,
        fresh: dict[str, KeyRow],
    ) -> Answer:  # fmt: skip
        reply = answer_of(self.state, command, events)
        fresh[submission.key] = KeyRow(submission.key, submission.fingerprint, first, reply)
        batch.keys.append(fresh[submission.key])
        return Answer(reply=reply)

    def _orders(
        self, submissions: Sequence[Submission], stored: dict[str, KeyRow], fresh: dict[str, KeyRow], batch: Batch
    ) -> list[tuple[Submission, cmd.PlaceOrder, int]]:
        """The orders that stand at the front, with ids given as if none were refused, and person rows before each; none where few do."""
        front: list[Submission] = []
        seen: set[str] = set()
        for submission in submissions:
            key, command = submission.key, submission.command
            if (
                type(command) is not cmd.PlaceOrder
                or key in seen
                or key in stored
                or key in fresh
                or command.order.person_id
                or self._taken(submission, seen, fresh)
            ):
                break
            seen.add(key)
            front.append(submission)
        if len(front) < FEW:
            return []
        found, people = [], self.state.people
        try:
            for submission in front:
                before = len(batch.people)
                command = self._identified(submission, batch)
                assert isinstance(command, cmd.PlaceOrder), "an order stays an order"
                self.state.people += len(batch.people) - before  # for the next id only: evolve counts people
                found.append((submission, command, before))
        finally:
            self.state.people = people
        return found

    def _taken(self, submission: Submission, seen: set[str], fresh: dict[str, KeyRow]) -> bool:  # noqa: ARG002 - for live shards
        """Whether another key of the submission is in use, so that it has to be looked at alone; notes its keys in `seen`."""
        return False

    def _carry_out_orders(
        self, orders: Sequence[tuple[Submission, cmd.PlaceOrder, int]], batch: Batch, fresh: dict[str, KeyRow]
    ) -> list[Answer]:
        """Carry out orders up to and with the first that is refused: ids given after it are not good, and are taken back."""
        answers: list[Answer] = []
        for run in quick_runs(self.state, [command for _, command, _ in orders]):
            if run:
                self._moves.add(self.state)
                for events in run:
                    submission, order, _ = orders[len(answers)]
                    first = self.seq + 1
                    for n, event in enumerate(events):
                        self._enter(submission.key, n, event, batch)
                    answers.append(self._answer(submission, order, events, first, batch, fresh))
                continue
            submission, order, people = orders[len(answers)]
            answers.append(self._execute(submission, order, people, batch, fresh))
            if answers[-1].error is not None:
                break
        return answers

    def _append(self, key: str, n: int, event: ev.Event, batch: Batch) -> None:
        self._enter(key, n, event, batch)
        if self.state.moves:
            self._moves.add(self.state)

    def _enter(self, key: str, n: int, event: ev.Event, batch: Batch) -> None:
        """Journal and rows of one event that was applied."""
        payload, kind, at = ev.encode(event), ev.kind_of(event), event.at
        self.seq = seq = self.seq + 1
        self.chain = chain = link(self.chain, seq, key, n, kind, at, payload)
        batch.journal.append(JournalRow(seq, key, n, kind, at, payload, chain))
        project(self.state, event, seq, batch)

    def _identified(self, submission: Submission, batch: Batch) -> cmd.Command:
        """Give the order its person_id; personal data goes to the person table only."""
        command, person = submission.command, submission.person
        if not isinstance(command, cmd.PlaceOrder):
            return command
        if command.order.person_id:
            raise InputError("person_id is given by the engine", where="order", hint="Leave it empty; send the person.")
        if person is None:
            return command
        if not person.ref and person.email:
            person = msgspec.structs.replace(person, ref=person.email)
        source = submission.person_source
        person_id = self.people.find(source, person.ref)
        if person_id is None:
            person_id = self.ids.person(self.state)
            batch.people.append(self.people.vault.seal(person_id, source, person))
            if person.ref:
                self.people.remember(source, person.ref, person_id)
        elif self.state.connected:  # a known customer may live elsewhere by now: this order goes where it says
            held = next((row for row in batch.people if row.person_id == person_id), None) or self.store.person(
                person_id
            )
            if held is not None:
                batch.addresses.append(self.people.address_row(order_id_of(command.order), held, person))
        order = msgspec.structs.replace(command.order, person_id=person_id)
        return msgspec.structs.replace(command, order=order)


def checked(row: JournalRow, seq: int, chain: bytes) -> bytes:
    """The chain after `row`, which must follow `seq`; DamageError naming the row where it does not."""
    if row.seq != seq + 1:
        raise DamageError(f"journal row {seq + 1} is missing: the next one found is {row.seq}; restore a backup")
    found = link(chain, row.seq, row.key, row.n, row.kind, row.at, row.payload)
    if found != row.chain:
        raise DamageError(f"journal row {row.seq} ({row.kind}, key {row.key}) does not match its chain value")
    return found


def decoded(row: JournalRow) -> ev.Event:
    """The row's event; DamageError naming the row where it cannot be read."""
    try:
        return ev.decode(row.payload)
    except msgspec.MsgspecError as error:
        raise DamageError(f"journal row {row.seq} ({row.kind}) cannot be read: {error}") from error


def _repeated(submission: Submission, known: KeyRow) -> Answer:
    if submission.fingerprint and known.fingerprint and submission.fingerprint != known.fingerprint:
        text = f"key {submission.key!r} was used before with other content (first event {known.seq})"
        return Answer(error=ConflictError(text), repeated=True)
    return Answer(reply=known.reply, repeated=True)


def _as_ours(error: Exception) -> TranshipError:
    if isinstance(error, TranshipError):
        return error
    return UnavailableError(
        f"the command could not be carried out: {type(error).__name__}"
    )  # its text may hold what was sent


def fingerprint(*parts: bytes) -> bytes:
    """Digest of content that holds no personal data, to tell a repeated command from a changed one."""
    return hashlib.blake2b(b"\x1e".join(parts), digest_size=16).digest()
