"""Faults on command: rules that are asked, call by call, what is to go wrong. Each draw is a hash, so a seed repeats a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tranship.sandbox.common.chance import draw
from tranship.sandbox.common.clock import FOREVER, HOUR, SECOND, parse_time
from tranship.sandbox.common.wire import Refusal

ON_THE_WIRE = ("latency", "hang", "5xx", "reset", "truncate", "lost_reply", "delayed", "duplicate", "garbage")
"""Faults of one request, in the order in which they are looked at."""
IN_THE_STATE = ("read_lag", "frozen", "stock_lie", "late_cancel")
"""Faults of what the network knows or does."""
KINDS = ON_THE_WIRE + IN_THE_STATE
WAITS_MS_MAX = 3_600_000
"""No fault waits longer than an hour: of wall time for what happens on the wire, of the sandbox's clock for what is done late."""
_KEYS = {
    "op",
    "kind",
    "p",
    "ms",
    "from",
    "until",
    "seed",
    "times",
    "when",
    "status",
    "reply",
    "body",
    "units",
    "sku",
    "match",
}


@dataclass(slots=True)
class Fault:
    """One rule. `op` is a word of the contract, a vendor's operationId, `push`, or `*`."""

    id: str
    kind: str
    op: str = "*"
    p: float = 1.0  # share of the calls (orders, for `frozen`) that it meets
    ms: int = 0  # how long; 0 is the kind's own default
    begins: int = 0
    ends: int = FOREVER
    seed: int = 0
    times: int = 0  # how often at most; 0 is no limit
    when: str = "before"  # hang, reset, 5xx: before or after the request was carried out
    status: int = 503  # of 5xx
    reply: str = ""  # delayed: lost | hang | 5xx; duplicate: first | second
    body: str = ""  # garbage: what is answered instead
    units: int = 0  # stock_lie: by how much; 0 draws between -5 and 5
    sku: str = ""  # stock_lie, frozen: only this one
    match: str = ""  # only calls whose path or body has this text
    calls: int = field(default=0)  # how many were looked at
    hits: int = field(default=0)  # how many it met

    def open(self, now: int) -> bool:
        """Whether the rule is in force."""
        return self.begins <= now < self.ends and not (self.times and self.hits >= self.times)

    def meets(self, *what: object) -> bool:
        """Draw once for this call, or for the thing named."""
        self.calls += 1
        hit = draw(self.seed, self.kind, self.op, *(what or (self.calls,))) < self.p
        self.hits += hit
        return hit

    def shown(self) -> dict[str, object]:
        """The rule as the control interface shows it."""
        return {
            "id": self.id, "op": self.op, "kind": self.kind, "p": self.p, "ms": self.ms, "seed": self.seed,
            "from": self.begins, "until": self.ends, "calls": self.calls, "hits": self.hits,
        }  # fmt: skip


class Faults:
    """The rules in force. Removing one calls those who wait for the end of it (orders frozen in planning)."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.rules: dict[str, Fault] = {}
        self.waiting: list[Callable[[int], None]] = []
        self._count = 0

    def add(self, body: object, now: int) -> Fault:
        """A rule from JSON: {op, kind, p, ms, from, until, seed, ...}; Refusal where it makes no sense."""
        if not isinstance(body, dict) or not set(body) <= _KEYS:
            raise Refusal(400, "BadFault", f"a fault is an object with the keys {', '.join(sorted(_KEYS))}")
        self._count += 1
        try:
            fault = _read(body, f"F{self._count}", self.seed, now)
        except (TypeError, ValueError) as error:
            raise Refusal(400, "BadFault", str(error)) from error
        self.rules[fault.id] = fault
        return fault

    def remove(self, fault_id: str, now: int) -> None:
        """Take one rule away ("" takes all), and let go who waits for it."""
        if fault_id and fault_id not in self.rules:
            raise Refusal(404, "NoSuchFault", f"there is no fault {fault_id}")
        for key in [fault_id] if fault_id else list(self.rules):
            del self.rules[key]
        waiting, self.waiting = self.waiting, []
        for action in waiting:
            action(now)

    def of_call(self, op: str, name: str, text: Callable[[], str], now: int) -> dict[str, Fault]:
        """The faults that meet this call, by kind: the first rule of a kind that does."""
        found: dict[str, Fault] = {}
        for fault in self.rules.values():
            if fault.kind in found or fault.kind in {"frozen", "stock_lie"} or not fault.open(now):
                continue
            if fault.op not in {"*", op, name} or (fault.op == "*" and op == "push"):
                continue
            if fault.match and fault.match not in text():
                continue
            if fault.meets():
                found[fault.kind] = fault
        return found

    def standing(self, kind: str, now: int, key: str, *, sku: str = "") -> Fault | None:
        """The fault of this kind that holds for a thing (an order, a SKU) now: the same answer every time it is asked."""
        for fault in self.rules.values():
            if fault.kind != kind or not fault.open(now) or (fault.sku and fault.sku != sku):
                continue
            if fault.match and fault.match not in key:
                continue
            if fault.meets(key):
                return fault
        return None


def _read(body: Mapping[str, Any], fault_id: str, seed: int, now: int) -> Fault:
    if body.get("kind") not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    fault = Fault(
        id=fault_id,
        kind=body["kind"],
        op=str(body.get("op", "*")),
        p=float(body.get("p", 1)),
        ms=int(body.get("ms", 0)),
        begins=parse_time(body["from"]) if "from" in body else now,
        ends=parse_time(body["until"]) if "until" in body else FOREVER,
        seed=int(body.get("seed", seed)),
        times=int(body.get("times", 0)),
        when=str(body.get("when", "before")),
        status=int(body.get("status", 503)),
        reply=str(body.get("reply", "")),
        body=str(body.get("body", "")),
        units=int(body.get("units", 0)),
        sku=str(body.get("sku", "")),
        match=str(body.get("match", "")),
    )
    if not 0 <= fault.p <= 1:
        raise ValueError("p lies between 0 and 1")
    if not 0 <= fault.ms <= WAITS_MS_MAX:
        raise ValueError(f"ms lies between 0 and {WAITS_MS_MAX} (an hour)")
    if not 400 <= fault.status <= 599:
        raise ValueError("status lies between 400 and 599")
    if fault.when not in {"before", "after"}:
        raise ValueError("when is before or after")
    if fault.reply not in {"", "lost", "hang", "5xx", "first", "second"}:
        raise ValueError("reply is lost, hang or 5xx (delayed), first or second (duplicate)")
    if fault.times < 0:
        raise ValueError("times is not negative")
    return fault


def wait_us(fault: Fault, default_ms: int = 60_000) -> int:
    """How long a fault lasts on the sandbox's clock."""
    return min((fault.ms or default_ms) * 1000, HOUR)


def wait_s(fault: Fault, default_ms: int = 1000) -> float:
    """How long a fault lasts in wall time."""
    return (fault.ms or default_ms) * 1000 / SECOND
