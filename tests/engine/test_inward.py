"""What a network tells of people: kept as tokens under the person, forgotten with them; and aliases that are not the order's own."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.connected import Handed
from tests.engine.masked import connector, masker_of
from tests.engine.test_outward import ANN, body, handed, name_in, placed
from tranship.api.hooks import _listened
from tranship.connectors.port import Message, Request, Response
from tranship.core.capability import Connection
from tranship.core.errors import UnavailableError
from tranship.core.health import Health
from tranship.dispatch.model import Report, Result
from tranship.engine import commands as cmd
from tranship.engine.desk import Call, Desk
from tranship.engine.driver.link import Link
from tranship.engine.driver.listening import along, checked, told
from tranship.engine.driver.looking import _changes
from tranship.engine.inward import HOOK, NOTHING, Heard, hear, owners, said
from tranship.engine.outward import Masker
from tranship.engine.shard import Shard, Submission
from tranship.masking.tokens import kind_of, new_token
from tranship.store.port import Batch

NEIGHBOR = "Zacharias Neighbor"
KIND = "amazon_mcf"
AMAZON: dict[str, object] = {
    "endpoint": "https://x.example", "auth_endpoint": "https://x.example", "marketplace": "ATVPDKIKX0DER",
}  # fmt: skip
SECRETS = ("refresh_token", "client_id", "client_secret")


def answer(remote_id: str, name: str, received_by: str = "") -> bytes:
    """What Amazon answers to a look at an order, as far as people are concerned."""
    package = {"packageId": "p1", "tracking": {"proofOfDelivery": {"receivedBy": received_by}}}
    order = {
        "orderId": remote_id,
        "destination": {"deliveryAddress": {"name": name, "addressLine1": "1 Example Road"}},
        "shipments": [{"packages": [package]}],
    }
    return json.dumps({"order": order}).encode()


class There:
    """Two orders at the network, and how their answers are heard."""

    def __init__(self) -> None:
        self.run = Handed()
        self.masker = masker_of(self.run.shard)
        placed(self.run, 1)
        placed(self.run, 2)
        self.first, self.second = handed(self.run, self.masker)

    def alias(self, remote_id: str) -> str:
        """What the network knows the recipient by."""
        return name_in(body(self.run, remote_id))

    def hear(self, op: str, sent: bytes, remote_id: str = "", masker: Callable[[], Masker] | None = None) -> Heard:
        """The message, heard."""
        found = said(KIND, op, sent, remote_id)
        owned = owners(self.run.state, "amz", [each.remote_id for each in found])
        return hear(masker or (lambda: self.masker), self.run.shard.people, KIND, op, found, owned, self.run.at)

    def keep(self, heard: Heard) -> None:
        """Commit what was heard, as the driver does."""
        command = cmd.Reported("amz", "test", (), self.run.later())
        self.run.submit(Submission(f"heard/{self.run.at}", command, tokens=heard.tokens, audits=heard.audits))


@pytest.fixture
def there() -> There:
    """Two orders handed over."""
    return There()


def test_who_received_it_is_kept_as_a_token_under_the_person(there: There):
    """Not in the journal nor the audit; read with the person's key; gone with the person. The same again is the same token."""
    heard = there.hear("get", answer(there.first, there.alias(there.first), NEIGHBOR), there.first)
    (row,) = heard.tokens
    assert (row.kind, row.scope, heard.wrong) == ("person_in", "test:1", ())
    there.keep(heard)
    store, person_id = there.run.shard.store, there.run.held(1).order.person_id
    found = there.masker.vault.session("AMZ", person_id).found(row.token)
    assert found is not None and found.value == NEIGHBOR
    assert there.hear("get", answer(there.first, there.alias(there.first), NEIGHBOR), there.first) == NOTHING
    stored = b"".join(each.payload for each in store.journal()) + repr(list(store.audit())).encode()
    assert NEIGHBOR.encode() not in stored and NEIGHBOR not in repr(heard)
    assert [verdict for verdict in (each.verdict for each in store.audit()) if verdict == "received"] == ["received"]
    store.erase(person_id)
    assert store.token("AMZ", row.token) is None


@pytest.mark.parametrize(
    ("whose", "why"),
    [
        ("second", "another order"),
        ("unknown", "unknown, or another network's"),
        ("damaged", "unknown, or another network's"),
    ],
)
def test_an_alias_that_is_not_this_orders_is_told_and_nothing_is_kept(there: There, whose: str, why: str):
    """Another order's, nobody's, or one with a wrong sign: the leaf is named, the alias and the person are not."""
    alias = new_token("name")
    if whose == "second":
        alias = there.alias(there.second)
    elif whose == "damaged":
        alias = alias[:-1] + ("2" if alias[-1] != "2" else "3")
        assert not kind_of(alias)
    heard = there.hear("get", answer(there.first, alias, NEIGHBOR), there.first)
    assert heard.tokens == () and len(heard.wrong) == 1
    remote_id, what = heard.wrong[0]
    assert remote_id == there.first and "order.destination.deliveryAddress.name" in what and why in what
    assert alias not in repr(heard) and [draft.verdict for draft in heard.audits] == ["quarantined"]


def test_in_a_list_each_order_is_judged_for_itself(there: There):
    """The bad one is taken out, the good one is kept; an order that is nobody's of ours says nothing."""
    good = json.loads(answer(there.first, there.alias(there.first), NEIGHBOR))["order"]
    bad = json.loads(answer(there.second, there.alias(there.first), NEIGHBOR))["order"]
    strange = json.loads(answer("SOMEBODYELSES", new_token("name"), NEIGHBOR))["order"]
    heard = there.hear("list", json.dumps({"orders": [good, bad, strange]}).encode())
    assert [row.scope for row in heard.tokens] == ["test:1"]
    assert [remote_id for remote_id, _ in heard.wrong] == [there.second]


def test_a_quarantine_is_in_the_audit_also_where_nothing_else_is_new(there: There):
    """A list that says nothing but the wrong alias: what puts it before a person brings the row along."""
    wrong = json.loads(answer(there.first, there.alias(there.second)))["order"]
    heard = there.hear("list", json.dumps({"orders": [wrong]}).encode())
    for submission in along(told("amz", heard, there.run.later()), heard):
        there.run.submit(submission)
    rows = [row for row in there.run.shard.store.audit() if row.verdict == "quarantined"]
    assert [(row.subject, row.op) for row in rows] == [(there.first, "list")]


def test_a_real_name_that_comes_back_is_none_of_its_business(there: There):
    """Where the label says the name, the network may repeat it: nothing is kept of it, nothing is wrong."""
    assert there.hear("get", answer(there.first, ANN.name), there.first) == NOTHING


def test_of_somebody_erased_nothing_is_kept(there: There):
    """The order is a stump: what the network still says of it has nobody to belong to."""
    alias = there.alias(there.first)
    there.run.shard.store.erase(there.run.held(1).order.person_id)
    assert there.hear("get", answer(there.first, alias, NEIGHBOR), there.first) == NOTHING


def test_another_connection_has_no_say(there: There):
    """Owners are those that went out by it."""
    assert owners(there.run.state, "pl", [there.first]) == {}


def down() -> Masker:
    """No key can be had."""
    raise UnavailableError("no key")


def test_while_the_vault_is_down_nothing_is_kept_and_nothing_breaks(there: There):
    """The next look says it again."""
    assert there.hear("get", answer(there.first, there.alias(there.first), NEIGHBOR), there.first, down) == NOTHING


@pytest.mark.parametrize("whose", ["second", "unknown"])
def test_an_alias_is_checked_also_while_the_vault_is_down(there: There, whose: str):
    """Whose it is needs no key: another order's or nobody's is told as ever, with its row of the audit."""
    alias = there.alias(there.second) if whose == "second" else new_token("name")
    heard = there.hear("get", answer(there.first, alias, NEIGHBOR), there.first, down)
    assert heard.tokens == () and [remote_id for remote_id, _ in heard.wrong] == [there.first]
    assert [draft.verdict for draft in heard.audits] == ["quarantined"] and alias not in repr(heard)


def test_an_alias_whose_row_was_changed_proves_nothing(there: There):
    """A row that was written over to be this order's does not open: what the message says of the order is not used."""
    store, alias = there.run.shard.store, there.alias(there.second)
    row = store.token("AMZ", alias)
    assert row is not None
    store.known["AMZ", alias] = row._replace(scope="test:1")  # type: ignore[attr-defined]
    heard = there.hear("get", answer(there.first, alias, NEIGHBOR), there.first)
    assert heard.tokens == () and len(heard.wrong) == 1 and "was changed" in heard.wrong[0][1]
    assert [draft.verdict for draft in heard.audits] == ["quarantined"]


def test_an_alias_whose_time_is_over_is_told(there: There):
    """Before it is swept and after: what it stands for may be forgotten already."""
    store, alias = there.run.shard.store, there.alias(there.first)
    for batch in (Batch(token_expiry=[(there.run.at, "AMZ", "test:1")]), Batch(tokens_over=[("AMZ", alias)])):
        store.commit(batch)
        heard = there.hear("get", answer(there.first, alias, NEIGHBOR), there.first)
        assert heard.tokens == () and "time is over" in heard.wrong[0][1]


@pytest.mark.parametrize("kind", ["amazon_mcf", "amazon_mcf_2020", "shipbob", "manual", "none"])
@pytest.mark.parametrize("op", ["create", "get", "list", "returns", "cancel", "release", "tracking", "stock", HOOK])
@given(body=st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.text(max_size=9) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["order", "orders", "payload", "destination", "deliveryAddress", "name", "recipient", "items"]), inner, max_size=4
    ), max_leaves=9,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_whatever_a_network_sends_is_gone_through_without_an_error(kind: str, op: str, body: bytes):
    """Garbage, other shapes, anything: it is read, or it is not."""
    assert isinstance(said(kind, op, body, "R1"), list)


def test_what_two_messages_say_at_once_is_kept_once(there: There):
    """A look and a list before either is committed: both commands go through, and the value has one token."""
    alias = there.alias(there.first)
    looked = answer(there.first, alias, NEIGHBOR)
    listed = json.dumps({"orders": [json.loads(looked)["order"]]}).encode()
    heard = [there.hear("get", looked, there.first), there.hear("list", listed)]
    assert heard[0].tokens == heard[1].tokens and len(heard[0].tokens) == 1
    for each in heard:
        there.keep(each)
    assert there.hear("list", listed) == NOTHING


class Hears:
    """What of a driver a notification needs: the state, the vault and a clock, of a run that is played here."""

    def __init__(self, there: There) -> None:
        self.service, self.people, self._there = self, there.run.shard.people, there
        self.told: list[Submission] = []
        self.desk = Desk()
        self.desk.connect({0: Connection("amz", "amazon_mcf", capability=connector(KIND).capability)}, self.now())

    def real(self) -> int:
        """Real time stands still here."""
        return 0

    async def tell(self, submissions: Sequence[Submission]) -> None:
        """What would be told to the engine."""
        self.told += submissions

    def masker(self) -> Masker:
        """The run's."""
        return self._there.masker

    def now(self) -> int:
        """The run's."""
        return self._there.run.at

    async def read(self, function: Callable[[Shard], Any]) -> Any:
        """Of the run's shard."""
        return function(self._there.run.shard)


@pytest.mark.parametrize("own", [True, False])
def test_of_a_notification_with_anothers_alias_nothing_is_used(there: There, own: bool):
    """A webhook names the recipient: with the order's own alias its report is taken, with another one it is a finding."""
    alias = there.alias(there.first if own else there.second)
    body = json.dumps({"reference_id": there.first, "recipient": {"name": alias}}).encode()
    message = Message(True, "k1", (Report(there.first, "COMPLETE"),))
    link = Link(Connection("amz", "shipbob", settings={"endpoint": "http://127.0.0.1:9", "channel_id": 100200},
                           secrets={"token": "env:NONE"}), Health(), 0)  # fmt: skip
    taken, heard = asyncio.run(_listened(Hears(there), link, body, message))  # type: ignore[arg-type]
    if own:
        assert (taken, heard) == (message, NOTHING)
    else:
        assert taken.reports == taken.counts == () and [each.kind for each in taken.findings] == ["foreign_token"]
        assert [draft.verdict for draft in heard.audits] == ["quarantined"] and alias not in repr(taken)


@pytest.mark.parametrize("own", [True, False])
def test_an_answer_with_anothers_alias_proves_nothing(there: There, own: bool):
    """A look says that it is complete: with the order's own alias that is the result, with another one it is a breach of the rules."""
    alias = there.alias(there.first if own else there.second)
    link = Link(
        Connection("amz", "amazon_mcf", settings=AMAZON, secrets=dict.fromkeys(SECRETS, "env:NONE")), Health(), 0
    )
    call, result = Call("amz", "get", there.first, "", 0), Result("ok", "COMPLETE")
    used, heard = asyncio.run(checked(Hears(there), link, call, result, answer(there.first, alias)))  # type: ignore[arg-type]
    assert used == (result if own else Result("violation", detail=heard.wrong[0][1]))
    assert alias not in repr(used)


@pytest.mark.parametrize("own", [True, False])
def test_a_list_with_anothers_alias_is_not_used_for_that_order(there: There, own: bool):
    """The driver's own look at a list: what it hands to the engine leaves the order out, and says why."""
    alias = there.alias(there.first if own else there.second)
    order = json.loads(answer(there.first, alias))["order"] | {
        "status": "COMPLETE", "receiveTime": "2026-03-02T10:00:00Z", "shipments": [], "lineItems": [],
    }  # fmt: skip

    class Lists:
        async def send(self, request: Request) -> Response:
            return Response(200, {}, json.dumps({"orders": [order]}).encode())

    link = Link(
        Connection("amz", "amazon_mcf", settings=AMAZON, secrets=dict.fromkeys(SECRETS, "env:NONE")),
        Health(),
        there.run.at,
    )
    link.client = Lists()  # type: ignore[assignment]
    driver = Hears(there)
    asyncio.run(_changes(driver, link))  # type: ignore[arg-type]
    kinds = [type(each.command).__name__ for each in driver.told]
    assert kinds == (["Reported"] if own else ["ReportException"])
    assert [draft.verdict for each in driver.told for draft in each.audits] == ([] if own else ["quarantined"])
