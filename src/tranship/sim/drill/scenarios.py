"""What can be rehearsed: which network fails, how, for how long; and the policies that meet it."""

from typing import NamedTuple

from tranship.core.errors import InputError


class Scenario(NamedTuple):
    """One kind of outage. `hits`: capped | independent, the network it falls on unless told. Times in minutes."""

    name: str
    hits: str
    kind: str  # dark | brown | frozen
    minutes: int
    words: str
    told_min: int = 0  # minutes after which somebody says so, by hand; 0: nobody does
    tight: bool = False  # the cap is set to the share that its network has
    spare: float = 1.0  # of the day's units that each independent node could ship


SCENARIOS = (
    Scenario("brownout", "capped", "brown", 60, "Calls take ten times as long and 30 % of them fail, for an hour."),
    Scenario("blackout", "capped", "dark", 60, "Nothing is heard of the network for an hour."),
    Scenario("stall", "capped", "frozen", 1_440, "Every order is accepted and none ships, for a day. No error tells of it."),
    Scenario("strike", "independent", "frozen", 1_440, "Its nodes stop for a day; the interface answers as ever.", 15),
    Scenario(
        "tight-cap", "independent", "dark", 600, "A 3PL falls silent for ten hours while the cap has no room to spare.",
        tight=True, spare=0.0,
    ),
)  # fmt: skip
BROWN_LATENCY, BROWN_ERRORS = 10, 0.3
"""A brownout: calls take so many times as long, and this share of them ends in a server error."""


def scenario(name: str) -> Scenario:
    """The scenario of a name; InputError where there is none."""
    for one in SCENARIOS:
        if one.name == name:
            return one
    raise InputError(
        f"no scenario is called {name!r}" if name else "no scenario named",
        where="drill",
        hint=f"One of {', '.join(one.name for one in SCENARIOS)} (`tranship drill --list`).",
    )


class Policy(NamedTuple):
    """Who meets the outage: what is watched, what moves, what a timeout is taken for."""

    key: str
    name: str
    words: str
    outage: bool = True
    health: bool = True  # node health opens breakers, which drain
    hold: bool = True  # networks have Hold where their record says so
    naive: bool = False  # a call that times out is taken for one that was never carried out


POLICIES = (
    Policy("calm", "no outage", "The same day without the outage.", outage=False),
    Policy("tranship", "Tranship", "Node health, drain, and the hand-over protocol with Hold where the network has it."),
    Policy("no_hold", "Tranship without Hold", "The same with hold_release = false: a network whose Hold was not proven.", hold=False),
    Policy(
        "naive", "fail over on timeout",
        "Two retries, then the order goes elsewhere as if the calls had never arrived. No health, no Hold.",
        health=False, hold=False, naive=True,
    ),
    Policy("nothing", "do nothing", "Retry until the network is back. Nothing moves.", health=False),
)  # fmt: skip
