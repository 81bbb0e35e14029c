"""`tranship networks`, `dispatches`, `drift`, `recall`, `send`, `settle`, `breaker`: what was handed over, and a person's word on it."""

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tranship.cli.asking import HERE, On, Url, asked, segment
from tranship.cli.network import Json
from tranship.cli.output import hint, money, say, table, write_json
from tranship.core.errors import InputError

Reason = Annotated[
    str, Parameter(help="Why. No personal data: it stays in the journal word for word, also after an erasure.")
]
STATES = {"open": "OPEN", "half_open": "half open", "closed": "closed"}


def networks(*, url: Url = HERE, on: On = None, json: Json = False) -> None:
    """Show every connection: where new work goes and why, calls, what waits, and what of its promises is proven."""
    now = asked(url, on, lambda way: way.networks())
    if json:
        write_json(now)
        return
    if now["shadow"]:
        say("SHADOW: orders are decided and nothing of it is sent\n")
    for each in now.get("leaks", ()):
        plan = f"plan {each['plan']}" + (f", {each['weeks_late']} weeks old" if each["weeks_late"] > 1 else "")
        beyond = f"{each['excess_orders']:,} orders shown beyond it" if each["excess_orders"] else "nothing beyond it"
        say(f"leak budget {each['budget']} for {each['network']}: {plan if each['plan'] else 'no plan yet'}; {beyond}")
    if not now["connections"]:
        say("no node of the network file has a connection: what ships is projected at each cut-off")
        return
    rows = [_row(each) for each in now["connections"]]
    table(rows, ("connection", "nodes", "breaker", "answer", "bad", "handed over", "to go", "waits"), right=(4, 6, 7))
    for each in now["connections"]:
        label = "the customer's name" if each["recipient"] == "name" else "an alias"
        codes = "SKU aliases" if each["sku_aliases"] == "required" else "SKU codes"
        say(f"  {each['code']}: masked under policy {each['policy'] or '-'}: labels say {label}, lines {codes}")
        if each["breaker"]["why"]:
            say(f"  {each['code']}: {each['breaker']['why']}" + _until(each["breaker"]))
        weak = [
            f"{claim['name']} ({claim['shown_by'] or 'nothing'})" for claim in each["claims"] if not claim["proven"]
        ]
        if weak:
            say(f"  {each['code']} unproven against the network itself: {', '.join(weak)}")
    if now["quarantined"]:
        say(
            f"\n{now['quarantined']} in quarantine: nobody can prove whether they ship. `tranship settle ID ...` decides"
        )
    for each in now["quarantine"]:
        _quarantined(each)
    if now["drifting"]:
        say(f"\n{now['drifting']} SKUs differ from a count or are closed: `tranship drift`")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    breaker, live = each["breaker"], each["live"]
    word = STATES[breaker["state"]] + (f" {breaker['share_bp'] / 100:g} %" if breaker["state"] == "half_open" else "")
    held = ", ".join(f"{count} {state}" for state, count in each["dispatches"].items()) or "-"
    if live is None:
        return each["code"], ", ".join(each["nodes"]), word, "-", "-", held, str(each["to_move"]), "-"
    calls = f"{live['failed'] + live['slow']}/{live['calls']}"
    answers = f"{live['median_ms']} ms" if live["median_ms"] else "-"
    return (
        each["code"],
        ", ".join(each["nodes"]),
        word,
        answers,
        calls,
        held,
        str(each["to_move"]),
        str(live["backlog"]),
    )


def _until(breaker: dict[str, Any]) -> str:
    return f", until {breaker['until']}" if breaker["until"] else ""


def _quarantined(each: dict[str, Any]) -> None:
    again = (
        f"{money(each['again_micros'])} from {' + '.join(each['again_from'])}" if each["again_from"] else "no node can"
    )
    say(
        f"\n  {each['id']}  {each['fulfillment_order']} at {each['node']}, {each['units']} units, since {each['since']}"
    )
    for line in each["evidence"]:
        say(f"    {line}")
    say(f"    it ships      and did not: the customer waits past {each['promise']} until somebody notices")
    say(f"    it never will  sent again: {again}; and did ship: {each['value_minor'] / 100:,.2f} of goods go out twice")


def dispatches(
    *, state: str = "", order: str = "", limit: int = 50, url: Url = HERE, on: On = None, json: Json = False
) -> None:
    """List attempts to hand fulfillment orders over, the newest first.

    Args:
        state: open, doubt, or one state (HELD, LIVE, QUARANTINED, ...)
        order: only those of this order (number or id)
        limit: at most so many (1 to 500)
    """
    if not 1 <= limit <= 500:
        raise InputError(f"limit {limit}", where="--limit", hint="1 to 500.")
    found = asked(url, on, lambda way: way.dispatches(state, order, limit))
    if json:
        write_json(found)
        return
    rows = [
        (
            each["id"],
            each["fulfillment_order"],
            each["node"],
            each["state"],
            each["said"] or "-",
            each["since"],
            each["why"],
        )
        for each in found["dispatches"]
    ]
    if not rows:
        say("none" if state or order else "nothing was handed over yet")
        return
    table(rows, ("dispatch", "fulfillment order", "node", "state", "network says", "since", "why"))
    policies = Counter(each["policy"] for each in found["dispatches"] if each["policy"])
    for policy, count in policies.items():
        say(f"{count} of them masked under policy {policy}")
    if found["more"]:
        hint(f"the newest {limit}; --limit shows more")


def drift(*, url: Url = HERE, on: On = None, json: Json = False) -> None:
    """List SKUs whose count at a node differs from the books, and those that are closed there."""
    now = asked(url, on, lambda way: way.networks())
    if json:
        write_json({"drift": now["drift"], "drifting": now["drifting"]})
        return
    if not now["drift"]:
        say("counts and books agree, and nothing is closed")
        return
    rows = [
        (each["node"], each["sku"], f"{each['differs']:+}", "closed" if each["closed"] else "open", str(each["free"]),
         str(each["reserved"]), str(each["researching"]), str(each["unaccounted"]), str(each["surplus"]), each["reason"])
        for each in now["drift"]
    ]  # fmt: skip
    header = ("node", "SKU", "differs", "shelf", "free", "reserved", "in research", "missing", "surplus", "why")
    table(rows, header, right=(2, 4, 5, 6, 7, 8))
    if now["drifting"] > len(rows):
        hint(f"the first {len(rows)} of {now['drifting']}")


def recall(order: str, *numbers: int, reason: Reason, url: Url = HERE, on: On = None, json: Json = False) -> None:
    """Want an order back from the networks that have it. What waits on hold is free at once, the rest once there is proof.

    Args:
        order: number or id of the order
        numbers: fulfillment orders of it (default: all that were handed over)
        reason: why; it is kept with the order
    """
    _said(url, on, json, f"/v1/orders/{segment(order)}/recall", {"reason": reason, "numbers": list(numbers)})


def send(
    order: str, number: int, node: str, *, reason: Reason, url: Url = HERE, on: On = None, json: Json = False
) -> None:
    """Send a fulfillment order that no network has to a node of your choice. Stock, capacity and share caps hold all the same.

    Args:
        order: number or id of the order
        number: which of its fulfillment orders
        node: node that is to ship it
        reason: why; it is kept with the order
    """
    _said(url, on, json, f"/v1/orders/{segment(order)}/send", {"number": number, "node": node, "reason": reason})


def settle(
    dispatch: str,
    *,
    ships: Annotated[bool | None, Parameter(negative="--never")] = None,
    reason: Reason,
    url: Url = HERE,
    on: On = None,
    json: Json = False,
) -> None:
    """Say what became of a dispatch in quarantine: it ships from there (--ships), or it never will (--never).

    Args:
        dispatch: its id, as `tranship networks` shows it
        ships: whether it leaves from there
        reason: what you saw; it is kept with the order
    """
    if ships is None:
        raise InputError(
            "say what became of it", where="settle", hint="--ships: it leaves from there. --never: it will not"
        )
    _said(url, on, json, f"/v1/dispatches/{segment(dispatch)}/settle", {"ships": ships, "reason": reason})


def breaker(
    connection: str,
    state: str,
    *nodes: str,
    why: Reason,
    minutes: int = 0,
    until: str = "",
    url: Url = HERE,
    on: On = None,
    json: Json = False,
) -> None:
    """Say where new work goes for a while: `open` (none goes there), `closed` (all), a share such as `25%`; `auto` ends that.

    Args:
        connection: its name in the network file
        state: open, closed, auto, or a percentage
        nodes: only these nodes behind it (default: all)
        why: the reason; it is kept
        minutes: it holds so long
        until: or it holds until then, ISO with zone
    """
    body: dict[str, Any] = {"why": why, "nodes": list(nodes)}
    if state in {"open", "closed", "auto"}:
        body["state"] = state
    else:
        body["share_bp"] = _share(state)
    if minutes and until:
        raise InputError("one end, not two", where="--minutes", hint="Either --minutes or --until.")
    if minutes:
        until = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).isoformat()
    if until:
        from tranship.cli.reach import moment

        moment(until)
        body["until"] = until
    elif state != "auto":
        raise InputError("say for how long", where="breaker", hint="--minutes 60, or --until 2026-11-27T18:00:00-05:00")
    _said(url, on, json, f"/v1/networks/{segment(connection)}/breaker", body)


def _share(text: str) -> int:
    number = text.removesuffix("%").strip()
    try:
        share = round(float(number) * 100)
    except ValueError:
        share = -1
    if not 0 <= share <= 10_000:
        raise InputError(f"{text!r}", where="state", hint="open, closed, auto, or a percentage such as 25%")
    return share


def _said(url: str, on: Path | None, json: bool, path: str, body: dict[str, Any]) -> None:
    answer = asked(url, on, lambda way: way.say(path, body))
    if json:
        write_json(answer)
        return
    found = [answer] if "words" in answer else answer.get("dispatches", []) if "breaker" not in answer else []
    for each in found[:20]:
        say(f"{each['fulfillment_order']} at {each['node']}: {each['state']}, {each['words']}")
    if "breaker" in answer:
        held = answer["breaker"]
        say(f"{answer['code']}: {STATES[held['state']]}, {held['share_bp'] / 100:g} % of new work{_until(held)}")
    if not found and "breaker" not in answer:
        say("done")
