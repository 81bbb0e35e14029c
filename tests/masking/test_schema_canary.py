"""A canary in every leaf of every operation of every policy: none leaves, none is told. Planted holes are found by the same search."""

from collections import Counter

import pytest

from tests.masking import fuzzing
from tests.masking.fuzzing import Found, Target
from tests.masking.holes import ANYTHING, holed
from tranship.masking.policy import kinds, load

SEED = 20261122


def thrown(count: int, seed: int) -> Found:
    """So many messages over all operations of all policies."""
    made = [target for kind in kinds() for target in fuzzing.targets(load(kind))]
    return fuzzing.run(made, count, seed)


def test_no_canary_leaves_in_ten_thousand_messages():
    """Whatever is sent: raw path, query, headers and body, reprs, exceptions and all that hangs on them hold none."""
    print("seed", SEED)
    found = thrown(10_000, SEED)
    assert not found.hits, found.hits.most_common(10)
    assert found.masked > 3_000 and found.refused > 3_000  # both ways were walked


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_no_canary_leaves_in_a_million_messages(seed: int):
    """The same, a hundred thousand at a time."""
    print("seed", SEED + 1 + seed)
    found = thrown(100_000, SEED + 1 + seed)
    assert not found.hits, found.hits.most_common(10)


@pytest.mark.parametrize("kind", kinds())
def test_every_operation_and_leaf_was_tried(kind: str):
    """Each operation lets some messages out, and each of its leaves was in one that was judged."""
    for target in fuzzing.targets(load(kind)):
        tried: Counter[str] = Counter()
        draw = fuzzing.random.Random(SEED)
        left = 0
        for _ in range(60):
            target.tokens = fuzzing.MemoryTokens()
            values = target.good(draw, absent=0.1)
            values = target.spoiled(draw, values) if draw.random() < 0.3 else values
            left += target.judge(target.message(draw, values))[0]
            tried.update(list(values))
        wanted = {f"{place} {leaf}" for place, leaf, rule in target.leaves if rule.action != "refuse"}
        assert wanted <= set(tried), f"{target.operation.name}: {wanted - set(tried)}"
        assert left or all(rule.action == "refuse" for place, _, rule in target.leaves if place == "path"), (
            target.operation.name
        )


@pytest.mark.parametrize("kind", kinds())
def test_an_upstream_that_repeats_everything_tells_nobody(kind: str):
    """Errors that echo what was sent, as JSON, HTML or noise, in codes, sentences and names: no client and no log gets it."""
    for target in fuzzing.targets(load(kind)):
        for seed in range(3):
            assert not fuzzing.echoed(target, seed), target.operation.name


@pytest.mark.parametrize("kind", kinds())
def test_a_name_that_stands_in_the_address_too_does_not_leave(kind: str):
    """In each text part of each address beside a name that is hidden: taken out or refused, in any shape."""
    tried = 0
    for target in fuzzing.targets(load(kind)):
        rules = target.operation.rules.get("body", {})
        words = {word: fuzzing.canary.letters(f"{target.operation.name} {word}") for word in ("first", "last")}
        name, search = " ".join(words.values()), fuzzing.canary.Search(words)
        for address in {*target.operation.whole, *target.operation.partial}:
            named = {f"{address}.name", f"{address.rpartition('.')[0]}.name"} & set(rules)
            named = {leaf for leaf in named if rules[leaf].action in {"token", "constant", "drop"}}
            inside = [leaf for leaf, rule in rules.items() if leaf.startswith(f"{address}.") and leaf not in named
                      and rule.type is not None and rule.type.name in {"line", "city", "region"}]  # fmt: skip
            for leaf in inside if named else ():
                for text in (
                    name,
                    name.upper(),
                    f"c/o {name}",
                    f"{name}, 22 Oak St",
                    f"{name} 22 Oak St",
                    f"22 Oak St {name}",
                ):
                    if not leaf.endswith(("city", "tate", "stateOrRegion")) or text in {name, name.upper()}:
                        draw = fuzzing.random.Random(SEED)
                        values = target.good(draw) | {f"body {one}": name for one in named} | {f"body {leaf}": text}
                        assert not _told(target, target.message(draw, values), search), (
                            leaf,
                            text.replace(name, "NAME"),
                        )
                        tried += 1
    assert tried


def _told(target: Target, message: fuzzing.Message, search: fuzzing.canary.Search) -> list[tuple[str, str]]:
    try:
        made = fuzzing.mask(message, target.operation, target.policy, target.tokens, now_day=fuzzing.DAY)
    except fuzzing.MaskingError as error:
        return search.hits(fuzzing.canary.told_by(error))
    return search.hits(made.body)


# ---- the same checker finds what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "leaf",
    [
        "items[].giftMessage",  # dropped, and now passed
        "destinationAddress.phone",
        "displayableOrderComment",  # a constant, and now the client's
        "shippingSpeedCategory",  # an enumeration that is not checked
        "items[].sellerFulfillmentOrderItemId",  # a line id that is passed
        "sellerFulfillmentOrderId",
        "items[].perUnitDeclaredValue.value",
        "deliveryPreferences.dropOffLocation.attributes.{}",
        "notificationEmails[]",
        "deliveryWindow.startDate",
        "items[].quantity",
    ],
)
def test_a_planted_hole_is_found(leaf: str):
    """A leaf that passes untyped shows up under its own name within a few hundred messages."""
    policy = holed(leaf, ANYTHING)
    target = Target(policy, policy.operations["createFulfillmentOrder"])
    found = fuzzing.run([target], 600, SEED)
    assert found.holes["createFulfillmentOrder", f"body {leaf}"], leaf


def test_a_hole_that_only_hides_the_value_is_found_too():
    """A leaf that passes a digest or an encoding of its value is as bad as one that passes the value."""

    class Digest(fuzzing.MemoryTokens):
        def token(self, kind: str, scope: str, value: str) -> str:
            return fuzzing.canary.hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:40]

    target = Target(load("amazon_mcf_2020"), load("amazon_mcf_2020").operation("create"))
    draw = fuzzing.random.Random(SEED)
    hits = []
    for _ in range(50):
        target.tokens = Digest()
        hits += target.judge(target.message(draw, target.good(draw)))[1]
    assert any("sha256" in shape for _, shape in hits)
