"""Who is told of what, when: once, not at night unless it matters, and the next one where nobody looks."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.alerts import Alerts, Contact
from tranship.core.time import to_micros
from tranship.dispatch.alerting import KINDS, LEVELS, MINUTE, Desk, Message, level_of

OPS, BOSS = Contact("ops", "env:A", "env:B"), Contact("boss", "env:A", "env:B")
NOON = to_micros(dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC))
NIGHT = Alerts((OPS, BOSS), quiet_from_min=22 * 60, quiet_until_min=7 * 60, zone="America/Chicago")


def told(desk: Desk, at: int) -> list[tuple[str, str]]:
    """(contact, title) of what goes out now."""
    return [(message.contact, message.title) for message in desk.due(at)]


def test_the_same_thing_is_one_alert_with_a_count() -> None:
    """Fifty refusals of one network are one message; another subject is another."""
    desk = Desk(Alerts((OPS,)))
    ids = {desk.raised("drift", "EAST/MUG", NOON + i) for i in range(50)}
    desk.raised("drift", "EAST/CUP", NOON)
    (one, two) = desk.due(NOON + MINUTE)
    assert len(ids) == 1 and {one.title, two.title} == {"drift: EAST/MUG", "drift: EAST/CUP"}
    assert "(50 times)" in one.text + two.text
    assert desk.due(NOON + 2 * MINUTE) == []


def test_what_goes_on_past_the_window_is_told_again() -> None:
    """After the window the same thing is news again, however steadily it came."""
    desk = Desk(Alerts((OPS,), dedupe_min=30))
    heard = 0
    for minute in range(0, 95, 5):
        desk.raised("drift", "EAST/MUG", NOON + minute * MINUTE)
        heard += len(desk.due(NOON + minute * MINUTE))
    assert heard == 4


@pytest.mark.parametrize(("kind", "goes"), [("breaker_opened", True), ("drift", False), ("breaker_closed", False)])
def test_quiet_hours_let_only_critical_ones_through(kind: str, goes: bool) -> None:
    """At three in the morning of the zone, a breaker wakes; drift waits until seven."""
    desk = Desk(NIGHT)
    night = to_micros(dt.datetime(2026, 11, 27, 9, tzinfo=dt.UTC))  # 3:00 in Chicago
    desk.raised(kind, "x", night)
    assert bool(desk.due(night)) is goes
    morning = to_micros(dt.datetime(2026, 11, 27, 13, tzinfo=dt.UTC))  # 7:00
    assert bool([one for one in desk.due(morning) if one.contact == "ops"]) is not goes


def test_quiet_hours_of_no_length_are_none() -> None:
    """From midnight to midnight by default: nothing is quiet."""
    assert not any(Desk(Alerts()).quiet(NOON + hour * 60 * MINUTE) for hour in range(24))


def test_what_nobody_acknowledges_goes_to_the_next() -> None:
    """A critical alert escalates after its minutes, once; an acknowledged one and a warning do not."""
    desk = Desk(Alerts((OPS, BOSS), escalate_min=15))
    first = desk.raised("quarantine", "O-1", NOON)
    second = desk.raised("quarantine", "O-2", NOON)
    desk.raised("drift", "MUG", NOON)
    assert {contact for contact, _ in told(desk, NOON)} == {"ops"}
    assert desk.acknowledged(second, NOON + MINUTE)
    assert told(desk, NOON + 14 * MINUTE) == []
    assert told(desk, NOON + 15 * MINUTE) == [("boss", "quarantine: O-1")]
    assert told(desk, NOON + 60 * MINUTE) == []
    assert desk.alerts[first].told == 2 and not desk.acknowledged(99, NOON)


def test_a_flood_is_a_few_messages_and_a_number() -> None:
    """Above the hourly limit the last message counts the rest; the gravest are told by name."""
    desk = Desk(Alerts((OPS,), per_hour=4))
    for i in range(39):
        desk.raised("drift", f"S{i}", NOON)
    desk.raised("double_ship", "O-9", NOON)
    messages = desk.due(NOON)
    assert len(messages) == 4 and messages[0].title == "double_ship: O-9"
    assert messages[-1].more == 36 and "and 36 more" in messages[-1].title
    desk.raised("drift", "late", NOON + MINUTE)
    assert desk.due(NOON + MINUTE) == []
    assert [message.title for message in desk.due(NOON + 61 * MINUTE)] == ["drift: late"]


def test_a_message_that_fails_comes_again_and_then_goes_to_the_next() -> None:
    """Later each time; a contact who cannot be reached does not keep an alert to itself, a warning neither."""
    desk = Desk(Alerts((OPS, BOSS)))
    desk.raised("drift", "MUG", NOON)
    waits = []
    for at in range(NOON, NOON + 30 * MINUTE, MINUTE // 6):
        for message in desk.due(at):
            waits.append((message.contact, at))
            if message.contact == "ops":
                desk.failed(message, at)
    times = [time for contact, time in waits if contact == "ops"]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(times) == 6 and gaps == sorted(gaps) and gaps[0] < gaps[-1]
    assert [contact for contact, _ in waits] == ["ops"] * 6 + ["boss"]


def test_without_a_contact_alerts_are_kept() -> None:
    """Nothing is sent and nothing is lost: the console shows them."""
    desk = Desk(Alerts())
    desk.raised("drift", "MUG", NOON)
    assert desk.due(NOON) == [] and len(desk.alerts) == 1 and desk.next_at(NOON) == 0


def test_every_kind_says_how_much_it_matters() -> None:
    """Kinds have a level; one that is not known is a warning and still goes out."""
    assert {level for level, _ in KINDS.values()} <= set(LEVELS)
    assert level_of("something_new") == "warning"
    desk = Desk(Alerts((OPS,)))
    desk.raised("something_new", "x", NOON)
    assert told(desk, NOON) == [("ops", "something_new: x")]


EVENTS = st.lists(
    st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from("abc"), st.integers(0, 20), st.booleans()), max_size=60
)


@given(EVENTS, st.integers(1, 5))
def test_every_alert_is_told_once_to_the_first_contact(events: list[tuple[str, str, int, bool]], per_hour: int) -> None:
    """Whatever comes, however many, failures included: in the end each alert was delivered exactly once, none above the limit."""
    desk, at = Desk(Alerts((OPS,), per_hour=per_hour)), NOON
    delivered: list[int] = []
    sent: list[int] = []

    def send(messages: list[Message], fails: bool) -> None:
        for message in messages:
            sent.append(at)
            if fails:
                desk.failed(message, at)
            else:
                delivered.extend(message.alert_ids)

    for kind, subject, minutes, fails in events:
        at += minutes * MINUTE
        desk.raised(kind, subject, at)
        send(desk.due(at), fails and len(sent) % 3 == 0)
    for _ in range(24):
        at += 61 * MINUTE
        send(desk.due(at), False)
    given_up = {alert.id for alert in desk.alerts.values() if alert.undelivered}
    assert sorted(delivered) == sorted(set(desk.alerts) - given_up)
    for one in sent:
        assert sum(one <= other < one + 60 * MINUTE for other in sent) <= per_hour
