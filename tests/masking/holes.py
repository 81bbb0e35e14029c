"""Policies with a hole, to see that the tests find it."""

import msgspec

from tranship.masking.policy import Policy, Rule, load
from tranship.masking.policy.model import hashed
from tranship.masking.policy.types import Type

ANYTHING = Rule("pass", "pass(text)", type=Type("text", lambda value: "", "anything"))


def holed(leaf: str, rule: Rule) -> Policy:
    """The policy of 2020 with a hole that no file could have: the loader would refuse it."""
    policy = load("amazon_mcf_2020")
    create = policy.operations["createFulfillmentOrder"]
    assert leaf in create.rules["body"]
    rules = {**create.rules, "body": {**create.rules["body"], leaf: rule}}
    operations = {**policy.operations, create.name: msgspec.structs.replace(create, rules=rules)}
    return hashed(msgspec.structs.replace(policy, operations=operations))
