"""Each policy has exactly the leaves of the vendor's own interface description: none is missing, none is made up."""

import pytest

from tests.conformance.leaves import Description
from tests.support import shared
from tranship.masking.policy import load
from tranship.masking.policy.model import Operation, pin_of

MODELS = {
    "fulfillmentOutbound_2020-07-01": ("sp-api", "models", "fulfillmentOutbound_2020-07-01.json"),
    "fulfillmentOutbound_2026-07-04": ("sp-api", "models", "fulfillmentOutbound_2026-07-04.json"),
    "reports_2021-06-30": ("sp-api", "models", "reports_2021-06-30.json"),
    "fbaInventory": ("sp-api", "models", "fbaInventory.json"),
    "shipbob-2026-01": ("3pl", "shipbob", "shipbob-openapi.json"),
}
NOTIFICATIONS = {
    "FULFILLMENT_ORDER_STATUS": "FulfillmentOrderStatusNotification",
    "FBA_INVENTORY_AVAILABILITY_CHANGES": "FBAInventoryAvailabilityChangeNotification",
}
KINDS = ("amazon_mcf", "amazon_mcf_2020", "shipbob")


def described(model: str) -> Description:
    """A vendor's file."""
    return Description(shared("models", *MODELS[model]))


def covered(kind: str, model: str) -> dict[str, Operation]:
    """The operations of a policy that are of this model."""
    return {name: one for name, one in load(kind).operations.items() if one.model == model}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_leaf_of_every_operation_has_its_rule(kind: str, model: str):
    """Path, query, header, body and answer: the policy's leaves are the model's, and the pin is over them."""
    vendor, ours = described(model), covered(kind, model)
    for name, request, operation in vendor.operations():
        made = ours.pop(name, None)
        if made is None:
            continue
        wanted = sorted(vendor.requested(operation) | vendor.answered(operation))
        assert made.leaves() == wanted, f"{kind} {name}: {set(made.leaves()) ^ set(wanted)}"
        assert made.pin == pin_of(wanted) and f"{made.method} {made.path}" == request
        # Older files describe a failure with the schema of the success; a failure holds its list of errors only.
        same = {leaf.replace("answer ", "error ", 1) for leaf in vendor.answered(operation)}
        errors = vendor.answered(operation, errors=True) - same
        rules = {f"error {leaf}" for leaf in made.rules.get("error", {})}
        assert errors <= rules, f"{kind} {name}: {errors - rules}"
    assert not ours, f"{kind} has operations that {model} lacks: {set(ours)}"


@pytest.mark.parametrize("model", [name for name in MODELS if name != "shipbob-2026-01"])
@pytest.mark.parametrize("kind", ["amazon_mcf", "amazon_mcf_2020"])
def test_an_answer_keeps_what_its_schema_requires(kind: str, model: str):
    """A client that was generated from the file reads what the proxy passes on: nothing required is dropped."""
    vendor, ours = described(model), covered(kind, model)
    for name, _, operation in vendor.operations():
        rules = ours[name].rules.get("answer", {}) if name in ours else {}
        for wanted in vendor.promised(operation) if rules else ():
            below = [
                rule.action
                for leaf, rule in rules.items()
                if leaf == wanted or leaf.startswith((f"{wanted}.", f"{wanted}["))
            ]
            assert not below or set(below) != {"drop"}, f"{kind} {name}: {wanted}"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_words_are_the_vendors(kind: str, model: str):
    """Where the vendor lists the words of a leaf, a policy that passes them lists the same, or fewer."""
    vendor, ours = described(model), covered(kind, model)
    for name, _, operation in vendor.operations():
        if name not in ours:
            continue
        for leaf, words in vendor.words(operation).items():
            rule = ours[name].rules["body"].get(leaf)
            if rule is not None and rule.type is not None:
                assert rule.type.name.startswith("enum:"), f"{name} {leaf}"
                assert set(rule.type.name[5:].split("|")) <= words, f"{name} {leaf}"


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("amazon_mcf_2020", "fulfillmentOutbound_2020-07-01"),
        ("amazon_mcf", "fulfillmentOutbound_2026-07-04"),
        ("amazon_mcf", "fbaInventory"),
        ("amazon_mcf_2020", "fbaInventory"),
    ],
)
def test_no_operation_of_amazons_files_is_forgotten(kind: str, model: str):
    """A policy has every operation of the file that it is about."""
    assert {name for name, _, _ in described(model).operations()} == set(covered(kind, model))


@pytest.mark.parametrize("name", NOTIFICATIONS)
@pytest.mark.parametrize("kind", ["amazon_mcf", "amazon_mcf_2020"])
def test_notifications_have_the_leaves_of_their_schema(kind: str, name: str):
    """What a schema lacks and Amazon sends is named as extra, and is really not in it."""
    vendor = Description(shared("models", "sp-api", "schemas", "notifications", f"{NOTIFICATIONS[name]}.json"))
    wanted = {f"answer {leaf}" for leaf in vendor.leaves(vendor.file)}
    made = load(kind).operation(name)
    assert made.leaves() == sorted(wanted) and made.pin == pin_of(sorted(wanted))
    assert not wanted & set(made.extra)


def test_creation_of_2020_has_51_leaves():
    """As many as masking was planned for; a new version of the file says so here."""
    vendor = described("fulfillmentOutbound_2020-07-01")
    create = next(operation for name, _, operation in vendor.operations() if name == "createFulfillmentOrder")
    assert len(vendor.requested(create)) == 51
