"""A shard in live use: random ids, and orders that are idempotent by their number, by the caller's key and by their content.

The command's key is the order's own (`order/SOURCE/NUMBER`), so one order never enters twice, whoever sends it. A caller's
`Idempotency-Key` is a second key of the same command. What a repeated request is compared with is kept as a digest: of
everything that is not personal, and, under the person's own key, of what is: once the person is erased nothing can be guessed
back from it.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tranship.core.errors import ConflictError, InputError
from tranship.core.order import Destination, Order, Person
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.decide import order_id_of
from tranship.engine.leaks import HOME
from tranship.engine.many import warm
from tranship.engine.run import open_store
from tranship.engine.shard import Answer, Shard, Submission
from tranship.engine.state import State
from tranship.store.people import People
from tranship.store.people import fingerprint as personal_fingerprint
from tranship.store.port import Batch, KeyRow, Store

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGEST = 16
_json = msgspec.json.Encoder(order="sorted").encode


class LiveIds:
    """Random ids: nothing about a person, nor how many there are, can be read from one."""

    def person(self, state: State) -> str:  # noqa: ARG002 - the port's signature
        """`R` and 100 random bits; recorded runs count from `P1`."""
        return "R" + "".join(secrets.choice(_ALPHABET) for _ in range(20))

    def household(self, state: State) -> str:  # noqa: ARG002 - the port's signature
        """The same for a household, with a letter first, so that it is never taken for a number."""
        return HOME + "r" + "".join(secrets.choice(_ALPHABET) for _ in range(20))


class Placing(Submission):
    """An order on its way in: the digest of what was asked for, and the caller's own key (empty where there is none)."""

    content: bytes = b""
    request_key: str = ""


class LiveShard(Shard):
    """A shard that remembers callers' keys and, for each order, a digest of the request it came with."""

    def _carry_out(self, submission: Submission, batch: Batch, fresh: dict[str, KeyRow]) -> Answer:
        if not isinstance(submission, Placing):
            return super()._carry_out(submission, batch, fresh)
        second = request_row(submission.request_key)
        if second and (fresh.get(second) or self.store.find_key(second)):
            return Answer(error=_reused(), repeated=True)
        return super()._carry_out(submission, batch, fresh)

    def _taken(self, submission: Submission, seen: set[str], fresh: dict[str, KeyRow]) -> bool:
        second = request_row(submission.request_key) if isinstance(submission, Placing) else ""
        if not second:
            return False
        taken = second in seen or second in fresh or self.store.find_key(second) is not None
        seen.add(second)
        return taken

    def _answer(
        self, submission: Submission, command: cmd.Command, events: list[ev.Event], first: int, batch: Batch,
        fresh: dict[str, KeyRow],
    ) -> Answer:  # fmt: skip
        answer = super()._answer(submission, command, events, first, batch, fresh)
        if isinstance(submission, Placing):
            row = fresh[submission.key] = fresh[submission.key]._replace(fingerprint=self._digest(submission, batch))
            batch.keys[-1] = row
            second = request_row(submission.request_key)
            if second:
                fresh[second] = KeyRow(second, b"", row.seq, b"")
                batch.keys.append(fresh[second])
        return answer

    def _digest(self, placing: Placing, batch: Batch) -> bytes:
        command = placing.command
        assert isinstance(command, cmd.PlaceOrder)
        if placing.person is None:
            return placing.content
        person_id = self.state.orders[order_id_of(command.order)].order.person_id
        row = next((row for row in reversed(batch.people) if row.person_id == person_id), None)
        row = row or self.store.person(person_id)
        assert row is not None, "an order names a person who is neither stored nor about to be"
        return placing.content + personal_fingerprint(self.people.vault.person_key(row), _json(placing.person))


def open_live(folder: Path, *, create: bool = False, progress: Callable[[int], None] | None = None) -> LiveShard:
    """Open the run in `folder` for live use (made where `create`), rebuilt from its journal."""
    warm()
    store = open_store(folder, create=create)
    try:
        return LiveShard(store, People.open(store, folder, create=create), LiveIds(), progress=progress)
    except BaseException:
        store.close()
        raise


def placing(order: Order, at: int, person: Person | None = None, request_key: str = "") -> Placing:
    """The submission of an order; `at` is when the engine takes it (UTC microseconds), and when it was placed where it says 0."""
    key = f"order/{order.source}/{order.number}"
    content = hashlib.blake2b(_json(order), digest_size=_DIGEST).digest()
    dated = order if order.placed_at else msgspec.structs.replace(order, placed_at=at)
    return Placing(key, cmd.PlaceOrder(dated, at), b"", person, order.source, content=content, request_key=request_key)


def changed(store: Store, people: People, again: Placing) -> ConflictError | None:
    """Why a repeated order is not the one that was taken under its key; None where it is the same request.

    Personal data of somebody who was erased since can no longer be compared, and is not.
    """
    command = again.command
    assert isinstance(command, cmd.PlaceOrder)
    held = store.find_key(again.key)
    if held is None:
        return None
    second = request_row(again.request_key)
    bound = store.find_key(second) if second else None
    if bound is not None and bound.seq != held.seq:
        return _reused()
    order_id = order_id_of(command.order)
    if held.fingerprint[:_DIGEST] != again.content:
        return ConflictError(f"order {order_id} was taken before with other content; the first stands")
    personal = held.fingerprint[_DIGEST:]
    if bool(personal) != (again.person is not None):
        return ConflictError(f"order {order_id} was taken before with other customer data; the first stands")
    if again.person is None:
        return None
    found = store.query("SELECT person_id FROM orders WHERE order_id = ?", (order_id,))
    row = store.person(str(found[0][0])) if found else None
    if row is not None and personal != personal_fingerprint(people.vault.person_key(row), _json(again.person)):
        return ConflictError(f"order {order_id} was taken before with other customer data; the first stands")
    return None


def request_row(request_key: str) -> str:
    """Under which key a caller's own key is kept: a digest, whatever the caller put into it; empty for none."""
    return f"request/{hashlib.blake2b(request_key.encode(), digest_size=16).hexdigest()}" if request_key else ""


def _reused() -> ConflictError:
    return ConflictError("this idempotency key was used before for another order")


def cancelling(order_id: str, lines: Sequence[tuple[str, int]], ref: str, at: int) -> Submission:
    """The submission of a cancellation (no lines: all that can still be had back), carried out once under its `ref`."""
    content = hashlib.blake2b(_json([list(line) for line in lines]), digest_size=_DIGEST).digest()
    command = cmd.CancelUnits(order_id, tuple((key, units) for key, units in lines), ref, at)
    return Submission(f"cancel/{order_id}/{ref}", command, content)


def readdressing(
    people: People, person_id: str, order_id: str, to: Destination, personal: Person | None, ref: str, at: int
) -> Submission:
    """The submission of a new address, once under its `ref`. What is personal is compared under the person's own key only.

    Raises InputError where personal data comes for an order that names nobody, or the person was erased.
    """
    content = hashlib.blake2b(_json(to), digest_size=_DIGEST).digest()
    if personal is not None:
        row = people.store.person(person_id) if person_id else None
        if not person_id:
            raise InputError("the order names no person whose address could be changed", where="customer")
        if row is None:
            raise InputError("the person was erased: there is nobody to send it to", where="customer")
        content += personal_fingerprint(people.vault.person_key(row), _json(personal))
    command = cmd.ChangeAddress(order_id, to, ref, at)
    return Submission(f"address/{order_id}/{ref}", command, content, personal)
