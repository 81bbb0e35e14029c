"""The check before the start finds the holes that are planted for it."""

from pathlib import Path

import msgspec
import pytest

from tranship.core.errors import InputError
from tranship.masking.policy import Policy, Rule, load
from tranship.masking.policy.types import TYPES
from tranship.proxy.run import KINDS, Plan, checked_policy
from tranship.proxy.selftest import check_policy
from tranship.proxy.settings import ProxySettings

FREE = TYPES["label"]._replace(objection=lambda value: "")
HOLES = [
    ("createFulfillmentOrder", "body", "items[].giftMessage"),
    ("createFulfillmentOrder", "body", "destinationAddress.addressLine3"),
    ("createFulfillmentOrder", "body", "notificationEmails[]"),
    ("createFulfillmentOrder", "body", "deliveryPreferences.dropOffLocation.attributes.{}"),
    ("getFulfillmentOrder", "path", "sellerFulfillmentOrderId"),
    ("listReturnReasonCodes", "query", "sellerSku"),
    ("addInventory", "header", "x-amzn-idempotency-token"),
    ("createFulfillmentReturn", "body", "items[].returnComment"),
]


def with_rule(policy: Policy, operation: str, place: str, leaf: str, rule: Rule) -> Policy:
    """The policy with one rule that its checks would never let in."""
    made = policy.operations[operation]
    rules = {**made.rules, place: {**made.rules[place], leaf: rule}}
    order = "" if made.order == f"{place}.{leaf}" else made.order
    operations = {**policy.operations, operation: msgspec.structs.replace(made, rules=rules, order=order)}
    return msgspec.structs.replace(policy, operations=operations, hash=f"planted {operation} {place} {leaf}")


@pytest.mark.parametrize("kind", KINDS)
def test_our_policies_pass(kind: str):
    """Every leaf of every operation was tried."""
    policy = load(kind)
    leaves = sum(
        len(one.rules.get(place, {}))
        for one in policy.operations.values()
        if one.method
        for place in ("path", "query", "header", "body")
    )
    assert check_policy(policy) >= leaves


@pytest.mark.parametrize(("operation", "place", "leaf"), HOLES)
def test_a_planted_hole_is_found(operation: str, place: str, leaf: str):
    """A leaf that passes whatever it holds: the policy is not used, and the leaf is named."""
    policy = with_rule(load("amazon_mcf_2020"), operation, place, leaf, Rule("pass", "pass(label)", type=FREE))
    with pytest.raises(InputError) as caught:
        check_policy(policy)
    assert operation in str(caught.value) and leaf.removesuffix("[]") in str(caught.value)


def test_a_policy_that_takes_nothing_is_found():
    """An operation that refuses what it should take would pass every other check."""
    policy = with_rule(
        load("amazon_mcf_2020"), "createFulfillmentOrder", "body", "destinationAddress.city", Rule("drop", "drop")
    )
    with pytest.raises(InputError, match="plain message"):
        check_policy(policy)


def test_a_policy_that_wants_aliases_of_articles_is_not_used(tmp_path: Path):
    """A proxy has none that are registered: it would make articles up that the network does not have."""
    own = tmp_path / "own.toml"
    own.write_text(
        'kind = "amazon_mcf_2020"\n[change.createFulfillmentOrder.body]\n"items[].sellerSku" = "token(sku)"\n'
    )
    plan = Plan(tmp_path, ProxySettings("http://127.0.0.1:9"), "amazon_mcf_2020", "AMZ", own)
    with pytest.raises(InputError, match="a proxy keeps none") as caught:
        checked_policy(plan)
    assert "createFulfillmentOrder: body items[].sellerSku" in str(caught.value)
    assert checked_policy(plan._replace(policy_path=None)).kind == "amazon_mcf_2020"


def test_the_check_is_made_before_anything_is_listened_on(tmp_path: Path):
    """A file that loads, and under which no order could be sent, does not start a proxy."""
    own = tmp_path / "own.toml"
    own.write_text(
        'kind = "amazon_mcf_2020"\n[change.createFulfillmentOrder.body]\n"destinationAddress.city" = "drop"\n'
    )
    with pytest.raises(InputError, match="refuses a plain message"):
        checked_policy(Plan(tmp_path, ProxySettings("http://127.0.0.1:9"), "amazon_mcf_2020", "AMZ", own))
