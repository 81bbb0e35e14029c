"""Secrets make no difference: what leaves depends on what may leave, and on tokens that nobody else has."""

import json
import random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.masking import fuzzing, making
from tests.masking.holes import ANYTHING, holed
from tests.masking.messages import DAY, MCF, address, line, masked, order, told
from tranship.masking.message import Message, mask
from tranship.masking.own_name import HeldError, Parts, address_without_name
from tranship.masking.policy import MaskingError, kinds, load
from tranship.masking.tokens import tokens_in
from tranship.masking.tokens_memory import MemoryTokens
from tranship.masking.unmask import unmask

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
moments = st.datetimes(
    min_value=__import__("datetime").datetime(2026, 1, 1), max_value=__import__("datetime").datetime(2026, 12, 31)
).map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"))
money = st.fixed_dictionaries({"currencyCode": st.sampled_from(["USD", "EUR"]), "value": st.integers(1, 9999).map(str)})
secrets = st.fixed_dictionaries(
    {
        "sellerFulfillmentOrderId": texts, "displayableOrderId": texts, "displayableOrderDate": moments, "displayableOrderComment": texts,
        "notificationEmails": st.lists(texts, max_size=3), "name": texts, "phone": texts, "lines": st.tuples(texts, texts),
        "gift": texts, "comment": texts, "value": money, "instructions": texts, "neighbor": st.dictionaries(texts, texts, max_size=2),
    }
)  # fmt: skip
plain = st.fixed_dictionaries(
    {"line1": making.parts, "city": making.parts, "quantities": st.tuples(st.integers(1, 99), st.integers(1, 99)),
     "speed": st.sampled_from(["Standard", "Expedited"]), "sku": making.skus}
)  # fmt: skip


PARTS = Parts(("line1",), (), ("city",))


def stands(name: str, shown: dict[str, Any]) -> bool:
    """Whether the address holds the name."""
    try:
        return address_without_name(shown, name, PARTS) is not shown
    except HeldError:
        return True


def body_of(shown: dict[str, Any], hidden: dict[str, Any]) -> dict[str, Any]:
    """An order with these shown and hidden parts."""
    heads = (
        "sellerFulfillmentOrderId",
        "displayableOrderId",
        "displayableOrderDate",
        "displayableOrderComment",
        "notificationEmails",
    )
    items = [
        line(sellerSku=shown["sku"], quantity=units, sellerFulfillmentOrderItemId=secret, giftMessage=hidden["gift"],
             displayableComment=hidden["comment"], perUnitDeclaredValue=hidden["value"])
        for units, secret in zip(shown["quantities"], hidden["lines"], strict=True)
    ]  # fmt: skip
    assume(not stands(hidden["name"], shown))  # a name that stands in the street does count
    where = address(name=hidden["name"], phone=hidden["phone"], addressLine1=shown["line1"], city=shown["city"])
    preferences = {
        "deliveryInstructions": hidden["instructions"],
        "dropOffLocation": {"attributes": hidden["neighbor"]},
    }
    return order(
        **{head: hidden[head] for head in heads}, shippingSpeedCategory=shown["speed"], destinationAddress=where, items=items,
        deliveryPreferences=preferences,
    )  # fmt: skip


def leveled(body: bytes) -> str:
    """What leaves with every token written as its kind's letter and its turn: equal where two messages differ in tokens alone."""
    text = body.decode()
    turns: dict[str, str] = {}
    for token in tokens_in(text):
        turns.setdefault(token, f"<{token[:2]} {len(turns)}>")
    for token, turn in turns.items():
        text = text.replace(token, turn)
    return text


def same_ties(hidden: dict[str, Any], others: dict[str, Any]) -> bool:
    """Whether equal secrets are equal in both: that two leaves of one order are the same is all that tokens show."""

    def ties(one: dict[str, Any]) -> tuple[bool, bool]:
        return one["sellerFulfillmentOrderId"] == one["displayableOrderId"], one["lines"][0] == one["lines"][1]

    return ties(hidden) == ties(others)


@given(shown=plain, hidden=secrets, others=secrets)
@settings(deadline=None)
def test_two_orders_that_differ_in_secrets_alone_leave_alike(shown, hidden, others):
    """Equal but for tokens, whatever the secrets are and however long."""
    if not same_ties(hidden, others):
        return
    first, second = (masked(body_of(shown, one)) for one in (hidden, others))
    assert leveled(first.body) == leveled(second.body)
    assert (first.path, first.query, first.headers) == (second.path, second.query, second.headers)
    assert [field[:2] for field in first.fields if field[1] != "drop"] == [
        field[:2] for field in second.fields if field[1] != "drop"
    ]


def test_the_comparison_sees_a_leaf_that_depends_on_a_secret():
    """A policy that lets one hidden leaf through is told from ours by the same comparison."""
    policy = holed("items[].giftMessage", ANYTHING)
    bodies = [order(items=[line(giftMessage=gift)]) for gift in ("for Ada", "for Bob")]
    assert len({leveled(masked(body, policy=policy).body) for body in bodies}) == 2
    assert len({leveled(masked(body).body) for body in bodies}) == 1


@given(shown=plain, hidden=secrets, number=texts)
@settings(deadline=None)
def test_two_orders_of_a_person_share_no_token(shown, hidden, number):
    """Nor do two networks share one, for the very same order."""
    if number == hidden["sellerFulfillmentOrderId"]:
        return
    here, there = MemoryTokens(), MemoryTokens()
    first = masked(body_of(shown, hidden), here)
    second = masked(body_of(shown, {**hidden, "sellerFulfillmentOrderId": number}), here)
    elsewhere = masked(body_of(shown, hidden), there)
    sets = [set(tokens_in(one.body.decode())) for one in (first, second, elsewhere)]
    assert not sets[0] & sets[1] and not sets[0] & sets[2] and not sets[1] & sets[2] and all(sets)


@given(shown=plain, hidden=secrets, seed=st.integers(0, 1 << 30), indent=st.sampled_from([None, 1, "\t"]))
@settings(deadline=None)
def test_a_retry_is_the_same_bytes(shown, hidden, seed, indent):
    """Masking again within the order gives the same bytes; so does another order of keys, other spaces, other escapes."""
    tokens, body = MemoryTokens(), body_of(shown, hidden)
    once = masked(body, tokens)

    def shuffled(value: Any, draw: random.Random) -> Any:
        if isinstance(value, dict):
            pairs = [(key, shuffled(part, draw)) for key, part in value.items()]
            draw.shuffle(pairs)
            return dict(pairs)
        return [shuffled(part, draw) for part in value] if isinstance(value, list) else value

    raw = json.dumps(shuffled(body, random.Random(seed)), indent=indent, ensure_ascii=seed % 2 == 0)
    again = masked(raw.encode(), tokens)
    assert (again.body, again.path, again.subject) == (once.body, once.path, once.subject)
    assert set(again.fields) == set(once.fields)


@given(shown=plain, hidden=secrets)
@settings(deadline=None)
def test_there_and_back_is_the_identity_on_tokens(shown, hidden):
    """unmask(mask(x)) == x wherever a token stood, for any text."""
    tokens, body = MemoryTokens(), body_of(shown, hidden)
    sent = told(masked(body, tokens))
    answer = {"payload": {"fulfillmentOrder": {key: sent[key] for key in sent if key not in {"items", "deliveryPreferences"}},
                          "fulfillmentOrderItems": sent["items"]}}  # fmt: skip
    again = json.loads(unmask(json.dumps(answer).encode(), "getFulfillmentOrder", MCF, tokens).body)["payload"]
    head = again["fulfillmentOrder"]
    assert head["sellerFulfillmentOrderId"] == body["sellerFulfillmentOrderId"]
    assert head["displayableOrderId"] == body["displayableOrderId"]
    assert head["destinationAddress"]["name"] == body["destinationAddress"]["name"]
    assert [item["sellerFulfillmentOrderItemId"] for item in again["fulfillmentOrderItems"]] == list(hidden["lines"])


@given(kind=st.sampled_from(kinds()), seed=st.integers(0, 1 << 40), data=st.data())
@settings(deadline=None, max_examples=150)
def test_any_operation_of_any_policy_is_blind_to_its_secrets(kind, seed, data):
    """A good message of any operation, and the same with other secrets: both leave, alike but for tokens, or neither does."""
    target = data.draw(st.sampled_from(TARGETS[kind]), label="operation")
    values = target.good(random.Random(seed), absent=0.2)
    other = {
        key: f"other {len(value)} {value[::-1]}" if _hidden(target, key) and isinstance(value, str) else value
        for key, value in values.items()
    }
    made = []
    for one in (values, other):
        try:
            out = mask(
                target.message(random.Random(seed), one), target.operation, target.policy, target.tokens, now_day=DAY
            )
            made.append((leveled(out.body), leveled(out.path.encode()), leveled(out.query.encode())))
        except MaskingError as error:
            made.append((error.leaf, error.why, ""))
    assert made[0] == made[1]


TARGETS = {kind: fuzzing.targets(load(kind)) for kind in kinds()}


def _hidden(target: fuzzing.Target, key: str) -> bool:
    place, _, leaf = key.partition(" ")
    rule = target.operation.rules[place][leaf]
    return rule.action in {"token", "drop", "constant"}


def test_a_message_without_a_body_is_a_message_too():
    """The shape of a call alone tells nothing either."""
    made = [
        masked(b"", MemoryTokens(), "get", sellerFulfillmentOrderId=number)
        for number in ("SHOP-1", "another shop's very long number")
    ]
    assert leveled(made[0].path.encode()) == leveled(made[1].path.encode()) and made[0].path != made[1].path
    assert mask(Message(path={"sellerFulfillmentOrderId": "A"}), "get", MCF, MemoryTokens(), now_day=DAY).body == b""
