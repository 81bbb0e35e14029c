"""Whatever is thrown at masking in either direction: it is masked, refused or quarantined, and nothing else happens."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.masking import canary, fuzzing
from tests.masking.messages import DAY, answer, masked, order
from tranship.masking.message import Message, mask
from tranship.masking.policy import MaskingError, QuarantineError, kinds, load
from tranship.masking.tokens import new_token
from tranship.masking.tokens_memory import MemoryTokens
from tranship.masking.unmask import unmask

SECRET = canary.word("hostile")
SEARCH = canary.Search({"secret": SECRET})
OPERATIONS = [(load(kind), name) for kind in kinds() for name in load(kind).operations]
WORDS = sorted({part.removesuffix("[]") for policy, _ in OPERATIONS for one in policy.operations.values()
                for rules in one.rules.values() for leaf in rules for part in leaf.split(".")})  # fmt: skip
texts = (
    st.text(max_size=8)
    | st.just(SECRET)
    | st.sampled_from(["Standard", "US", "98101", "12 Oak St", "2026-11-24T08:00:00Z"])
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | texts, inner, max_size=5),
    max_leaves=25,
)
bodies = values.map(json.dumps).map(str.encode) | st.binary(max_size=40)


@given(which=st.sampled_from(OPERATIONS), body=bodies, data=st.data())
@settings(deadline=None, max_examples=300)
def test_any_body_is_masked_or_refused(which, body, data):
    """No other exception, and none that tells."""
    policy, name = which
    operation = policy.operation(name)
    path = {leaf: data.draw(texts) for leaf in operation.rules.get("path", {})}
    query = data.draw(st.dictionaries(st.sampled_from(sorted(operation.rules.get("query", {}))) | texts, texts, max_size=2)
                      if operation.rules.get("query") else st.just({}))  # fmt: skip
    try:
        mask(Message(body, path, query), operation, policy, MemoryTokens(), now_day=DAY)
    except MaskingError as error:
        told = canary.told_by(error)
    else:
        told = ""
    assert not SEARCH.hits(told)


@given(which=st.sampled_from(OPERATIONS), body=bodies, status=st.sampled_from([200, 202, 204, 301, 400, 404, 500]))
@settings(deadline=None, max_examples=300)
def test_any_answer_is_read_or_quarantined(which, body, status):
    """No other exception, and none that tells."""
    policy, name = which
    try:
        made = unmask(body, name, policy, MemoryTokens(), status=status)
    except QuarantineError as error:
        told, good = canary.told_by(error), True
    else:
        told, good = repr(made) + repr(made.dropped) + repr(made.fields), False
    assert not SEARCH.hits(told) and (status < 300 or not good)  # only a success is quarantined


@given(seed=st.integers(0, 1 << 40))
@settings(deadline=None, max_examples=200)
def test_a_damaged_token_is_never_taken_for_another(seed):
    """One sign changed, left out, doubled or in other case: the answer is quarantined, whatever the sign."""
    draw = random.Random(seed)
    tokens = MemoryTokens()
    sent = masked(order(), tokens)
    told = answer(sent)
    head = told["payload"]["fulfillmentOrder"]
    place = draw.choice(["order", "name", "line"])
    holder, key = {
        "order": (head, "sellerFulfillmentOrderId"),
        "name": (head["destinationAddress"], "name"),
        "line": (told["payload"]["fulfillmentOrderItems"][0], "sellerFulfillmentOrderItemId"),
    }[place]
    token = holder[key]
    at = draw.randrange(2, len(token))
    damaged = draw.choice([token[:at] + token[at + 1 :], token[:at] + token[at] + token[at:], token.lower(),
                           token[:at] + draw.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") + token[at + 1 :], f" {token}"])  # fmt: skip
    holder[key] = damaged
    if damaged == token:
        return
    with pytest.raises(QuarantineError) as caught:
        unmask(json.dumps(told).encode(), "getFulfillmentOrder", load("amazon_mcf_2020"), tokens, subject=sent.subject)
    assert damaged not in canary.told_by(caught.value)


def test_no_operation_of_ours_passes_a_token_where_a_word_belongs():
    """A token of ours at any typed leaf of an answer is quarantined or left out, never passed on."""
    for policy, name in OPERATIONS:
        rules = policy.operation(name).rules.get("answer", {})
        for leaf, rule in rules.items():
            if rule.action != "pass" or policy.operation(name).unit:
                continue
            body: dict[str, object] = {}
            fuzzing._put(body, leaf.removeprefix("[]."), token := new_token("order"))
            raw = [body] if leaf.startswith("[]") else body
            try:
                made = unmask(json.dumps(raw).encode(), name, policy, MemoryTokens())
            except QuarantineError:
                continue
            assert token.encode() not in made.body, f"{policy.kind} {name}: {leaf}"
