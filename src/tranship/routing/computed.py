"""A promise for an order that has none: the day that the way it would go today can keep. Pure."""

from tranship.routing.decide import decide
from tranship.routing.facts import Facts
from tranship.routing.model import Ask
from tranship.routing.situation import Situation

FAR = 1_000_000
"""A day that everything arrives by."""


def computed_promise(ask: Ask, facts: Facts, now: Situation) -> int:
    """The last day of what the order would become at least cost; 0 where nothing of it can be placed now.

    `ask.promise_day` is not read: cost, caps and prices choose the nodes, and the slowest of them sets the day.
    """
    asked, ask.promise_day = ask.promise_day, FAR
    decision = decide(ask, facts, now)
    ask.promise_day = asked
    transit = facts.transit(ask.service, ask.zip3)
    return max(
        (
            facts.lateness.promised(part.node, ask.zip3, ask.service, transit[part.node], part.ship_day)
            for part in decision.parts
        ),
        default=0,
    )
