"""A policy file that is not right does not load, and says where."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.masking.messages import address, masked, order, told
from tranship.core.errors import InputError
from tranship.masking.policy import COMMENT, MaskingError, check, kinds, load
from tranship.masking.policy.classes import class_of
from tranship.masking.policy.model import OUT_PLACES
from tranship.masking.policy.rules import RuleError, parse

KIND = "amazon_mcf_2020"
NAME = '"destinationAddress.name"'


def changing(tmp_path: Path, changes: str, settings: str = "", operation: str = "createFulfillmentOrder.body") -> Path:
    """A user's file that changes some rules."""
    path = tmp_path / "mine.toml"
    path.write_text(f'kind = "{KIND}"\n[settings]\n{settings}\n[change.{operation}]\n{changes}\n')
    return path


def whole(tmp_path: Path, old: str, new: str) -> Path:
    """A user's whole file: ours, with its include written out where it stands, and one text replaced."""
    text = files("tranship.masking.policy").joinpath("data", f"{KIND}.toml").read_text()
    assert old in text
    path = tmp_path / "whole.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        (f'{NAME} = "pass"', "", "pass without a type"),
        (f'{NAME} = "pass(text)"', "", "no type"),
        (f'{NAME} = "pass(label)"', "", "comes in only"),
        (f'{NAME} = "send"', "", "no action"),
        (f'{NAME} = "unmask(name)"', "", "no action for what leaves"),
        (f'{NAME} = "token(person)"', "", "token wants one of"),
        (f'{NAME} = "pass(sku)"', "", "recipient's name leaf"),
        (f"{NAME} = 5", "", "not text"),
        ('"destinationAddress.phone" = "pass(line)"', "", "phone leaf"),
        ('"destinationAddress.phone" = "relay(phone)"', "", "relay_phone"),
        ('"notificationEmails[]" = "relay(email)"', "", "relay_domain"),
        ('"items[].giftMessage" = "pass(line)"', "", "free text leaf"),
        ('"items[].perUnitDeclaredValue.value" = "pass(decimal)"', "", "only with the setting declared_value"),
        ('"codSettings.codCharge.value" = "pass(decimal)"', "", "only with the setting cod"),
        ('"items[].perUnitPrice.value" = "token(payment)"', "cod = true", "price leaf"),
        ('"items[].sellerFulfillmentOrderItemId" = "pass(sku)"', "", "line leaf"),
        ('sellerFulfillmentOrderId = "pass(sku)"', "", "order leaf"),
        ('shippingSpeedCategory = "pass(enum:nonsense list)"', "", "no list of words"),
        ('displayableOrderDate = "pass(datetime)"', "", "moment leaf"),
        ('"items[].quantity" = "pass(int:9..1)"', "", "range is empty"),
        ('"destinationAddress.postalCode" = "drop"', "", "needed to deliver"),
        ('"destinationAddress.addressLine4" = "drop"', "", "no leaf of the network's model"),
        ('"deliveryPreferences.dropOffLocation.attributes.{}" = "constant(1)"', "", "sender makes up"),
        ("", "cod = 1", "settings: cod"),
        ("", "bypass = true", "settings: bypass"),
        ("", 'relay_domain = "not a domain"', "relay_domain"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_does_not_load(tmp_path: Path, changes: str, settings: str, said: str):
    """The error names the file, and the operation and leaf where it is one's."""
    with pytest.raises(InputError, match=said) as caught:
        load(KIND, changing(tmp_path, changes, settings))
    assert str(caught.value).startswith("mine.toml")
    if changes:
        leaf = tomllib.loads(changes)
        assert "createFulfillmentOrder" in str(caught.value) and next(iter(leaf)) in str(caught.value)


def test_what_a_user_may_choose(tmp_path: Path):
    """Stricter and looser ways that make sense: the name as it is, a relay, no state, cash on delivery under its setting."""
    changes = (
        f'{NAME} = "pass(name)"\n"destinationAddress.phone" = "relay(phone)"\n"notificationEmails[]" = "relay(email)"\n'
        '"items[].sellerSku" = "token(sku)"\n"destinationAddress.stateOrRegion" = "drop"\n'
        '"codSettings.isCodRequired" = "pass(bool)"\n"codSettings.codCharge.value" = "pass(decimal)"\n'
        '"codSettings.codCharge.currencyCode" = "pass(currency)"\n'
    )
    settings = 'cod = true\nrelay_phone = "+1 206 555 0100"\nrelay_domain = "relay.brand.example"'
    policy = load(KIND, changing(tmp_path, changes, settings))
    assert policy.hash != load(KIND).hash
    cod = {"isCodRequired": True, "codCharge": {"currencyCode": "USD", "value": "9.90"}}
    out = told(masked(order(codSettings=cod), policy=policy))
    assert out["destinationAddress"]["name"] == "Ada Byron" and out["destinationAddress"]["phone"] == "+1 206 555 0100"
    assert out["notificationEmails"][0].endswith("@relay.brand.example") and "ada" not in out["notificationEmails"][0]
    assert out["codSettings"] == cod and "stateOrRegion" not in out["destinationAddress"]
    with pytest.raises(MaskingError, match="letters"):
        masked(order(destinationAddress=address(name="4155552671")), policy=policy)
    body = masked(order(), policy=policy).body
    assert check(KIND, "create", body, policy) is body
    with pytest.raises(MaskingError):
        check(KIND, "create", body)  # ours knows no relays


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"items[].giftMessage" = "drop"\n', "", "giftMessage: has no rule|has not the leaves"),
        ('"items[].giftMessage" = "drop"\n', '"items[].giftMessage" = "drop"\n"items[].note" = "drop"\n', "has not the leaves"),
        ('order = "body.sellerFulfillmentOrderId"\n', "", "nothing names the order"),
        ('order = "body.sellerFulfillmentOrderId"', 'order = "body.marketplace"', "named as the order's id"),
        ('whole = ["destinationAddress"]', "whole = []", "more than its rules"),
        ('model = "fulfillmentOutbound_2020-07-01"', 'model = "mine"', "no model"),
        ('request = "POST /fba', 'request = "POST /other', "more than its rules"),
        ('kind = "amazon_mcf_2020"', 'kind = "shipbob"', "does not say kind"),
        ('kind = "amazon_mcf_2020"', 'kind = "amazon_mcf_2020"\nbypass = true', "unknown keys"),
        ("pin = ", "ping = 1\npin = ", "unknown keys"),
        ('destinationAddress = "@address_2020"', 'destinationAddress = "@nowhere"', "no set"),
        ('destinationAddress = "@address_2020"', 'destinationAddress = "@address_2020"\n"destinationAddress.phone" = "drop"', "two rules"),
        ('create = "createFulfillmentOrder"', 'create = "createEverything"', "no operation"),
        ('release = "updateFulfillmentOrder:fulfillmentAction"', 'release = "updateFulfillmentOrder:action"', "no leaf"),
    ],
)  # fmt: skip
def test_a_whole_file_has_the_leaves_of_the_model(tmp_path: Path, old: str, new: str, said: str):
    """A leaf that is missing, or one too many, or an operation that means something else."""
    with pytest.raises(InputError, match=said):
        load(KIND, whole(tmp_path, old, new))


def test_leaves_cannot_be_changed_with_their_pin(tmp_path: Path):
    """Also where somebody made the pin fit: a user's file is compared with ours, and the leaf is named."""
    path = whole(tmp_path, '"items[].giftMessage" = "drop"\n', "")
    with pytest.raises(InputError) as caught:
        load(KIND, path)
    fresh = str(caught.value).rsplit(" ", 1)[1]
    text = path.read_text()
    ours = load(KIND).operation("create").pin
    path.write_text(text.replace(ours, fresh))
    with pytest.raises(InputError, match=r"createFulfillmentOrder: body items\[\].giftMessage: has no rule"):
        load(KIND, path)


def test_a_whole_file_that_says_the_same_has_the_same_hash(tmp_path: Path):
    """The hash is over what a policy means, not over how the file is spaced."""
    assert load(KIND, whole(tmp_path, "[ops]", "\n# a word\n\n[ops]")).hash == load(KIND).hash
    assert load(KIND, changing(tmp_path, "")).hash == load(KIND).hash
    assert len({load(kind).hash for kind in kinds()}) == len(kinds())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"kind = ",
        b'kind = "amazon_mcf_2020"\nx = 1',
        b"#" * 1_000_001,
        b"x = " + b"[" * 5_000 + b"]" * 5_000,
    ],
)
def test_a_file_that_is_none_does_not_load(tmp_path: Path, content: bytes):
    """Empty, broken, with unknown keys, too large, nested without end; and one that is not there."""
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.toml"):
        load(KIND, path)
    with pytest.raises(InputError, match="not there"):
        load(KIND, tmp_path / "none.toml")
    with pytest.raises(InputError, match="has no policy"):
        load("unheard")


@pytest.mark.parametrize("kind", kinds())
def test_no_policy_of_ours_passes_text(kind: str):
    """Whatever passes has a type; what passes by a grammar is a part of an address, a name or a code; the rest fits no text."""
    loose: set[str] = set()
    for made in load(kind).operations.values():
        for place in OUT_PLACES:
            for leaf, rule in made.rules.get(place, {}).items():
                assert rule.action != "pass" or rule.type is not None
                if rule.type is not None and not rule.type.secretive:
                    loose.add(class_of(leaf, kind).name)
                    for text in (
                        "Please call Ada Byron at 4 p.m.",
                        "ada@post.example",
                        "+1 415 555 2671",
                        "\n",
                        "x" * 2_000,
                    ):
                        assert rule.type.objection(text) or rule.type.name in {"sku", "place", "method"}, (
                            f"{leaf}: {text}"
                        )
                elif rule.type is not None:
                    for text in ("Ada", "Ada Byron", "4155552671", "ada@post.example", 10**18, 1.5, None, [], {}):
                        assert rule.type.objection(text), f"{kind} {made.name}: {leaf} passes {text}"
    assert loose <= {"address", "SKU", "place", "shipping method", "company"}


def test_the_constant_of_the_policy_is_the_connectors():
    """The one sentence is written once."""
    assert load(KIND).operation("create").rules["body"]["displayableOrderComment"].value == COMMENT


@pytest.mark.parametrize("text", ["", "pass()", "pass(", "PASS(int:1..2)", "token", "drop(x)", "relay(fax)", "constant(Ada)",
                                  "constant([1])",
                                  "generalize(hour)", "ordinal(roman)", "pass(enum:)", "pass(int:1)", "drop; pass(line)"])  # fmt: skip
def test_what_is_no_rule_is_refused(text: str):
    """The language is small on purpose."""
    with pytest.raises(RuleError):
        parse(text, {}, inward=False)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "fba/outbound/2020-07-01/fulfillmentOrders", "createFulfillmentOrder"),
        ("POST", "fba/outbound/2020-07-01/fulfillmentOrders/preview", "getFulfillmentPreview"),
        ("PUT", "fba/outbound/2020-07-01/fulfillmentOrders/A B/cancel", "cancelFulfillmentOrder"),
        ("GET", "fba/inventory/v1/summaries", "getInventorySummaries"),
        ("DELETE", "fba/outbound/2020-07-01/fulfillmentOrders", ""),
        ("GET", "fba/outbound/2020-07-01", ""),
        ("GET", "orders/v0/orders", ""),
        ("GET", "fba/outbound/2020-07-01/fulfillmentOrders/preview", "getFulfillmentOrder"),
        ("get", "fba/outbound/2020-07-01/fulfillmentOrders/A", ""),
        ("PUT", "fba/outbound/2020-07-01/fulfillmentOrders/A/CANCEL", ""),
        ("PUT", "fba/outbound/2020-07-01/fulfillmentOrders//cancel", ""),
        ("PUT", "fba/outbound/2020-07-01/fulfillmentOrders/A/cancel/B", ""),
    ],
)
def test_a_request_means_one_operation_or_none(method: str, path: str, name: str):
    """By method and path; fixed paths before those with an id."""
    found = load(KIND).match(method, tuple(path.split("/")))
    assert (found[0].name if found else "") == name
    if name == "cancelFulfillmentOrder":
        assert found is not None and found[1] == {"sellerFulfillmentOrderId": "A B"}


def test_shipbobs_verbs_are_part_of_the_path():
    """`/order/12:cancel` is a cancellation, not the order `12:cancel`."""
    bob: Any = load("shipbob")
    assert bob.match("POST", ("2026-01", "order", "12:cancel"))[0].name == "cancel-order"
    assert bob.match("POST", ("2026-01", "order", "12:cancel"))[1] == {"orderId": "12"}
    assert bob.match("POST", ("2026-01", "order", "12")) is None
