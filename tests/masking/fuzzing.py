"""Messages with a canary in each leaf, thrown at a policy: what leaves, and what is said about what does not, is searched for them.

A message begins as a good one whose secrets are canaries; then up to three of its leaves are spoiled: a canary where a word belongs, a
canary behind a good value, as a name, in a list, in a leaf that does not exist. It is either masked, and then the raw path, query,
headers and body are searched, or refused, and then the exception and all that hangs on it.

Leaves whose rule passes text by a grammar (address lines, cities, names and SKUs where the policy says so) may carry the canary that was
written into them, there and nowhere else: what stands in those leaves is taken out before the search. What must not stand in them
either (phones, mail, links, notes) has its own canaries.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.masking import canary
from tranship.masking.message import Masked, Message, mask
from tranship.masking.policy.errors import MaskingError
from tranship.masking.policy.model import OUT_PLACES, Operation, Policy
from tranship.masking.policy.rules import Rule
from tranship.masking.tokens_memory import MemoryTokens
from tranship.masking.unmask import unmask

DAY = 20_779
GOOD: dict[str, Callable[[random.Random], Any]] = {
    "bool": lambda draw: draw.random() < 0.5,
    "false": lambda draw: False,
    "units": lambda draw: str(draw.randint(1, 9)),
    "decimal": lambda draw: "12.50",
    "country": lambda draw: draw.choice(["US", "DE"]),
    "currency": lambda draw: "USD",
    "marketplace": lambda draw: "ATVPDKIKX0DER",
    "date": lambda draw: "2026-11-24",
    "datetime": lambda draw: "2026-11-24T08:15:30Z",
    "minute": lambda draw: "2026-11-24T08:15:00Z",
    "language": lambda draw: "en_US",
    "place": lambda draw: "7",
    "method": lambda draw: "Standard",
    "postal": lambda draw: draw.choice(["98101", "20999"]),
    "line": lambda draw: draw.choice(["22 Oak St", "Apt 5", "PO Box 77"]),
    "city": lambda draw: "Seattle",
    "region": lambda draw: "WA",
    "name": lambda draw: "Ada Byron",
    "sku": lambda draw: draw.choice(["MUG-2", "TEE-L"]),
}
"""A good value of each type."""
GRAMMARS = frozenset({"line", "city", "region", "name", "sku", "postal", "place", "method"})
"""Types that pass text of somebody's choosing."""


class Found(NamedTuple):
    """What a run came to: messages that left and that did not, and every hit as (operation, leaf of the canary, shape)."""

    masked: int
    refused: int
    hits: Counter[tuple[str, str, str]]
    holes: Counter[tuple[str, str]]


class Target:
    """One operation with its canaries: one of each sort for each leaf."""

    def __init__(self, policy: Policy, operation: Operation) -> None:
        self.policy, self.operation = policy, operation
        self.leaves = [
            (place, leaf, rule) for place in OUT_PLACES for leaf, rule in operation.rules.get(place, {}).items()
        ]
        self.canaries: dict[str, str] = {}
        for place, leaf, _ in self.leaves:
            for sort, make in (
                ("word", canary.word),
                ("name", canary.letters),
                ("number", canary.digits),
                ("mail", canary.email),
            ):
                self.canaries[f"{place} {leaf}, {sort}"] = make(f"{operation.name} {place} {leaf}")
        self.canaries["a name that no model has, word"] = canary.word(f"{operation.name} unknown")
        self.canaries["header user-agent, word"] = canary.word(f"{operation.name} user-agent")
        self.search = canary.Search(self.canaries)
        self.tokens = MemoryTokens()

    def of(self, place: str, leaf: str, sort: str) -> str:
        """The canary of a leaf."""
        return self.canaries[f"{place} {leaf}, {sort}"]

    # -- messages ------------------------------------------------------------------------------------------------------

    def good(self, draw: random.Random, *, absent: float = 0.3) -> dict[str, Any]:
        """Values for the leaves, `place leaf` -> value: good ones, and canaries where nothing of the value leaves."""
        values: dict[str, Any] = {}
        for place, leaf, rule in self.leaves:
            needed = place == "path" or f"{place}.{leaf}" == self.operation.order or self._delivers(place, leaf)
            if not needed and (rule.action == "refuse" or draw.random() < absent):
                continue
            values[f"{place} {leaf}"] = self._value(draw, place, leaf, rule)
        return values

    def _delivers(self, place: str, leaf: str) -> bool:
        prefixes = (*self.operation.whole, *self.operation.partial)
        names = self.policy.names
        wanted = {
            f"{prefix}.{name}" for prefix in prefixes for name in (names.line, names.city, names.postal, names.country)
        }
        return place == "body" and leaf in wanted

    def _value(self, draw: random.Random, place: str, leaf: str, rule: Rule) -> Any:
        if rule.action == "pass":
            return self._typed(draw, rule, place)
        if rule.action == "generalize":
            return f"2026-11-{draw.randint(10, 28)}T08:{draw.randint(10, 59)}:00Z"
        if rule.action == "reveal":
            told = self.tokens.token(rule.kind, "", "D4yZjWZVN")  # as the network told it before
            return told if place == "path" or draw.random() < 0.8 else self.of(place, leaf, "word")
        if rule.action == "drop" and draw.random() < 0.2:
            sort = draw.choice(["word", "name", "number", "mail"])
            return (
                draw.choice([[self.of(place, leaf, sort)], {self.of(place, leaf, sort): 1}, 1, True, 2.5])
                if place == "body"
                else "1"
            )
        return self.of(place, leaf, draw.choice(["word", "name", "number", "mail"]))

    def _typed(self, draw: random.Random, rule: Rule, place: str) -> Any:
        assert rule.type is not None
        name = rule.type.name
        if name.startswith(("enum:", "list:")):
            return draw.choice(name[5:].split("|"))
        if name.startswith("int:"):
            return draw.randint(1, 9) if place == "body" else str(draw.randint(1, 9))
        value = GOOD[name](draw) if name in GOOD else "x"
        return value if place == "body" or isinstance(value, str) else str(value).lower()

    def spoiled(self, draw: random.Random, values: dict[str, Any]) -> dict[str, Any]:
        """The same with one leaf made bad."""
        place, leaf, rule = draw.choice(self.leaves)
        key, secret = f"{place} {leaf}", self.of(place, leaf, draw.choice(["word", "name", "number", "mail"]))
        plain = self._value(draw, place, leaf, rule)
        bad: list[Any] = [
            secret, f"{plain} {secret}", f"{secret}{plain}", f"call {secret}", f"2 Oak St {self.of(place, leaf, 'mail')}",
            f"+{self.of(place, leaf, 'number')}", f"https://{secret}.example", secret.upper(), secret[::-1], "", None, "\ud800" + secret,
        ]  # fmt: skip
        if place == "body":
            bad += [
                [secret],
                {secret: secret},
                {"name": secret},
                int(self.of(place, leaf, "number")),
                1.5,
                True,
                [[secret]],
                -1,
                10**30,
            ]
        return {**values, key: draw.choice(bad)}

    def message(self, draw: random.Random, values: dict[str, Any]) -> Message:
        """Values as a message, its keys in any order."""
        body: Any = {}
        told = [(key.partition(" ")[2], value) for key, value in values.items() if key.startswith("body ")]
        draw.shuffle(told)
        for leaf, value in told:
            _put(body, leaf, value)
        if draw.random() < 0.05:
            body[self.canaries["a name that no model has, word"]] = draw.choice([1, "x", {}, None])
        raw = json.dumps(body, ensure_ascii=draw.random() < 0.5, indent=draw.choice([None, 1])).encode(
            "utf-8", "surrogatepass"
        )
        if draw.random() < 0.02:
            raw = raw.replace(b"{", b'{"x":1,"x":2,', 1)
        places = {place: {} for place in ("path", "query", "header")}
        for key, value in values.items():
            place, _, leaf = key.partition(" ")
            if place in places and value is not None:
                places[place][leaf.removesuffix("[]")] = value if isinstance(value, str) else str(value)
        headers = {
            **places["header"],
            "user-agent": self.canaries["header user-agent, word"],
            "x-forwarded-for": "198.51.100.7",
        }
        return Message(raw if "body" in self.operation.rules else b"", places["path"], places["query"], headers)

    # -- what came out -------------------------------------------------------------------------------------------------

    def judge(self, message: Message) -> tuple[bool, list[tuple[str, str]]]:
        """Whether it left, and what was found in what left or in what was said."""
        try:
            made = mask(message, self.operation, self.policy, self.tokens, now_day=DAY)
        except MaskingError as error:
            return False, self.search.hits(canary.told_by(error) + repr(message))
        return True, self.search.hits(self._raw(made) + repr(made).encode() + repr(made.fields).encode())

    def _raw(self, made: Masked) -> bytes:
        """Everything that leaves, without the values of leaves that pass text by a grammar."""
        carried: set[str] = set()
        body: Any = json.loads(made.body) if made.body else None
        for place, leaf, rule in self.leaves:
            if rule.action == "pass" and rule.type is not None and rule.type.name in GRAMMARS and place == "body":
                carried.add(leaf)
        path, query = made.path, made.query
        left = json.dumps(_without(body, carried, ""), ensure_ascii=False) if carried else made.body.decode()
        for place, _, rule in self.leaves:
            if (
                place in {"path", "query"}
                and rule.action == "pass"
                and rule.type is not None
                and rule.type.name in GRAMMARS
            ):
                path = query = ""  # the one canary that may be there cannot be told from another
        return "\n".join([path, query, repr(made.headers), made.subject, left]).encode("utf-8", "surrogatepass")


def _put(body: dict[str, Any], leaf: str, value: Any) -> None:
    node: Any = body
    parts = leaf.replace("{}", "anything").split(".")
    for at, part in enumerate(parts):
        name, last = part.removesuffix("[]"), at == len(parts) - 1
        if not isinstance(node, dict):
            return
        if part.endswith("[]"):
            held = node.setdefault(name, [value] if last else [{}])
            if not isinstance(held, list) or not held:
                return
            node = held[0]
        elif last:
            node[name] = value
        else:
            node = node.setdefault(name, {})


def _without(value: Any, leaves: set[str], path: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(part, leaves, f"{path}.{key}" if path else key) for key, part in value.items()}
    if isinstance(value, list):
        return [_without(part, leaves, f"{path}[]") for part in value]
    return "" if path in leaves else value


def targets(policy: Policy) -> list[Target]:
    """All operations of a policy that send something."""
    return [
        Target(policy, one) for one in policy.operations.values() if any(one.rules.get(place) for place in OUT_PLACES)
    ]


def run(made: list[Target], count: int, seed: int) -> Found:
    """`count` messages over these operations."""
    draw, hits, masked = random.Random(seed), Counter[tuple[str, str, str]](), 0
    holes: Counter[tuple[str, str]] = Counter()
    for number in range(count):
        target = made[number % len(made)]
        target.tokens = MemoryTokens()
        values = target.good(draw)
        for _ in range(draw.choice([0, 0, 1, 1, 2, 3])):
            values = target.spoiled(draw, values)
        left, found = target.judge(target.message(draw, values))
        masked += left
        for leaf, shape in found:
            hits[target.operation.name, leaf, shape] += 1
            holes[target.operation.name, leaf.rpartition(",")[0]] += 1
    return Found(masked, count - masked, hits, holes)


def echoes(target: Target, draw: random.Random) -> Iterator[tuple[int, bytes]]:
    """Answers of an upstream that repeats what it was sent: statuses and bodies, with canaries everywhere."""
    secrets = list(target.canaries.values())
    for status in (200, 301, 400, 403, 404, 422, 500, 503):
        one = draw.choice(secrets)
        message = json.dumps(target.canaries)
        yield status, json.dumps({"errors": [{"code": one, "message": message, "details": one}]}).encode()
        yield status, json.dumps({one: [message], "errors": {one: [one]}, "title": one, "detail": message}).encode()
        yield status, f"<html>{message}</html>".encode()
        yield status, message.encode()
        yield status, f'{{"errors": [{{"code": "{one}", "code": "{one}"}}]}}'.encode()
        yield status, quote(message).encode()


def echoed(target: Target, seed: int) -> list[tuple[str, str]]:
    """What of an echo reaches a client or a log: hits in the unmasked body, in reprs and in exceptions."""
    draw, found = random.Random(seed), []
    for status, body in echoes(target, draw):
        try:
            made = unmask(body, target.operation, target.policy, MemoryTokens(), status=status)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
            found += target.search.hits(canary.told_by(error))
        else:
            found += target.search.hits(repr(made)) + target.search.hits(repr(made.dropped) + repr(made.quarantined))
            if status >= 300:
                found += target.search.hits(made.body)
    return found
