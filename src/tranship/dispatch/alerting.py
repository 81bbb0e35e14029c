"""Which alerts go out, to whom and when. Pure; times are UTC microseconds.

`raised` and `acknowledged` tell what happens; `due` gives the messages to send now. A message that could not be sent comes back with
`failed` and is due again. Texts name kinds, subjects and counts, never a person.
"""

import msgspec

from tranship.core.alerts import Alerts
from tranship.core.time import local_day_minute

MINUTE = 60_000_000
HOUR = 60 * MINUTE
KINDS = {
    "breaker_opened": ("critical", "gets no new work: its interface or its orders there do not move"),
    "double_ship": ("critical", "was shipped twice"),
    "double_ship_risk": ("critical", "may ship twice"),
    "cap_conflict": ("critical", "can only be placed over the share cap"),
    "cap_breach": ("critical", "was placed over the share cap, as the policy says"),
    "quarantine": ("critical", "cannot be proven here or there: a person has to decide"),
    "unauthorized": ("critical", "refuses our credentials"),
    "clock_stopped": ("critical", "does not go on: nothing ships, moves or is released"),
    "vault_down": ("critical", "cannot be asked: nothing leaves until it can, and nothing is sent elsewhere for it"),
    "not_sendable": ("warning", "may not be told to a network as it is, and nobody else can ship it now"),
    "leak_excess": ("warning", "was shown orders beyond its leak budget"),
    "no_leak_plan": ("warning", "has no fresh leak plan: it is shown less and less, in the end nothing"),
    "overdue": ("warning", "has passed its cut-off unreleased"),
    "foreign_id": ("warning", "was spoken of by a network that does not have it"),
    "foreign_token": ("warning", "was spoken of under an alias that is not its own"),
    "dead_letter": ("warning", "cannot be handed over as it is"),
    "drift": ("warning", "counts other units than the books"),
    "stalled": ("warning", "accepted orders and does not move them"),
    "violation": ("warning", "sent what its own rules forbid"),
    "short": ("warning", "left with fewer units than were handed over"),
    "vanished": ("warning", "no longer knows an order it had"),
    "released_by_itself": ("warning", "works on an order that was on hold"),
    "breaker_closed": ("note", "is healthy again"),
}
"""Kind -> how much it matters, and what it says of its subject. Critical ones pierce quiet hours and escalate; notes do neither."""
_UNKNOWN = ("warning", "needs a look")
_TRIES, _RETRY = 6, MINUTE // 6
_KEPT = 10_000
"""Alerts that are remembered at once; the oldest acknowledged ones go first."""


class Alert(msgspec.Struct, frozen=True):
    """One thing about one subject, however often it happened."""

    id: int
    kind: str
    subject: str  # a code or an id of ours, never a name or an address
    first_at: int
    last_at: int
    count: int = 1
    detail: str = ""
    acknowledged_at: int = 0
    told: int = 0  # contacts that were told
    told_at: int = 0
    tries: int = 0  # of the message that is due
    retry_at: int = 0  # above 0: the last message did not get through and is due again
    undelivered: bool = False  # given up at the contact who was told last: the next one is told at once


class Message(msgspec.Struct, frozen=True):
    """What to send to one contact. `alert_ids`: which alerts it tells of; `more`: how many it only counts."""

    contact: str
    level: str
    title: str
    text: str
    alert_ids: tuple[int, ...]
    more: int = 0
    at: int = 0


def level_of(kind: str) -> str:
    """critical, warning or note; a kind that is not known is a warning, never lost."""
    return KINDS.get(kind, _UNKNOWN)[0]


class Desk:
    """All alerts of one party."""

    def __init__(self, settings: Alerts, *, first: int = 1) -> None:
        """`first`: number of the first alert, so that numbers are not given twice by one run."""
        self.settings = settings
        self.alerts: dict[int, Alert] = {}
        self._open: dict[tuple[str, str], int] = {}
        self._next = first
        self._sent: dict[str, list[int]] = {contact.code: [] for contact in settings.contacts}

    # -- what happens -------------------------------------------------------------------------------------------------

    def raised(self, kind: str, subject: str, at: int, detail: str = "") -> int:
        """Something happened. The same about the same subject within the window is one alert with a count; returns its id."""
        known = self.alerts.get(self._open.get((kind, subject), 0))
        if known is not None and at < known.first_at + self.settings.dedupe_min * MINUTE:
            self._keep(known, count=known.count + 1, last_at=max(at, known.last_at), detail=detail or known.detail)
            return known.id
        alert = Alert(self._next, kind, subject, at, at, detail=detail)
        self._next += 1
        self.alerts[alert.id] = alert
        self._open[kind, subject] = alert.id
        self._forget()
        return alert.id

    def acknowledged(self, alert_id: int, at: int) -> bool:
        """Somebody has seen it: it escalates no further. False where there is no such alert."""
        alert = self.alerts.get(alert_id)
        if alert is None:
            return False
        if not alert.acknowledged_at:
            self._keep(alert, acknowledged_at=at)
        return True

    def failed(self, message: Message, at: int) -> bool:
        """A message did not get through: it is due again, later each time. False once it is given up (a dead letter)."""
        alive = False
        for alert_id in message.alert_ids:
            alert = self.alerts.get(alert_id)
            if alert is None or alert.told == 0:
                continue
            tries = alert.tries + 1
            if tries < _TRIES:
                wait = _RETRY << tries
                self._keep(alert, told=alert.told - 1, told_at=at, tries=tries, retry_at=at + wait)
                alive = True
            else:
                self._keep(alert, tries=0, undelivered=True)
        return alive

    # -- what follows -------------------------------------------------------------------------------------------------

    def due(self, at: int) -> list[Message]:
        """The messages to send now, and marks them as sent; `failed` takes that back."""
        messages = []
        for position, contact in enumerate(self.settings.contacts):
            waiting = [alert for alert in self.alerts.values() if self._wants(alert, position, at)]
            if not waiting:
                continue
            waiting.sort(key=lambda alert: (LEVELS.index(level_of(alert.kind)), alert.first_at, alert.id))
            sent = self._sent[contact.code] = [one for one in self._sent[contact.code] if one > at - HOUR]
            room = self.settings.per_hour - len(sent)
            if room <= 0:
                continue  # they stay due; the next message says how many they have become
            alone, rest = (waiting, []) if len(waiting) <= room else (waiting[: room - 1], waiting[room - 1 :])
            messages += [self._message(contact.code, [alert], at) for alert in alone]
            if rest:
                messages.append(self._message(contact.code, rest, at))
            sent += [at] * (len(alone) + bool(rest))
            for alert in waiting:
                tries = alert.tries if alert.retry_at else 0
                self._keep(alert, told=position + 1, told_at=at, tries=tries, retry_at=0, undelivered=False)
        return messages

    def next_at(self, at: int) -> int:
        """When `due` may have something again: a minute from now at the latest while anything is open, 0 where nothing is."""
        return at + MINUTE if any(self._alive(alert) for alert in self.alerts.values()) else 0

    def is_open(self, alert_id: int) -> bool:
        """Whether somebody has still to be told of it."""
        alert = self.alerts.get(alert_id)
        return alert is not None and self._alive(alert)

    def wants(self, kind: str) -> bool:
        """Whether people are told of this kind: those that need somebody, where there is anybody."""
        return bool(self.settings.contacts) and kind in KINDS

    def quiet(self, at: int) -> bool:
        """Whether quiet hours are on, by the local clock of their zone."""
        first, until = self.settings.quiet_from_min, self.settings.quiet_until_min
        _, minute = local_day_minute(at, self.settings.zone)
        return first <= minute < until if first <= until else minute >= first or minute < until

    def _wants(self, alert: Alert, position: int, at: int) -> bool:
        """Whether this alert is to be told to the contact at this position now."""
        if alert.acknowledged_at or alert.told != position or at < alert.retry_at:
            return False
        level = level_of(alert.kind)
        if level != "critical" and self.quiet(at):
            return False
        if position == 0 or alert.retry_at or alert.undelivered:
            return True
        wait = self.settings.escalate_min * MINUTE
        return level == "critical" and wait > 0 and at >= alert.told_at + wait

    def _alive(self, alert: Alert) -> bool:
        waits = alert.told == 0 or alert.undelivered or level_of(alert.kind) == "critical"
        return waits and alert.told < len(self.settings.contacts) and not alert.acknowledged_at

    def _message(self, contact: str, alerts: list[Alert], at: int) -> Message:
        first = alerts[0]
        level, says = KINDS.get(first.kind, _UNKNOWN)
        more = len(alerts) - 1
        title = f"{first.kind}: {first.subject}" + (f" and {more} more" if more else "")
        times = f" ({first.count} times)" if first.count > 1 else ""
        text = f"{first.subject} {says}{times}." + (f" {first.detail}" if first.detail else "")
        if more:
            kinds = sorted({alert.kind for alert in alerts[1:]})
            text += f"\nAnd {more} more: {', '.join(kinds)}."
        return Message(contact, level, title, text, tuple(alert.id for alert in alerts), more, at)

    def _keep(self, alert: Alert, **changes: object) -> None:
        self.alerts[alert.id] = msgspec.structs.replace(alert, **changes)

    def _forget(self) -> None:
        """Keep the number of alerts bounded: those that no longer wait for anything go first, oldest first."""
        if len(self.alerts) <= _KEPT:
            return
        done = [alert.id for alert in self.alerts.values() if not self._alive(alert)]
        for alert_id in (done or list(self.alerts))[: len(self.alerts) - _KEPT]:
            gone = self.alerts.pop(alert_id)
            if self._open.get((gone.kind, gone.subject)) == alert_id:
                del self._open[gone.kind, gone.subject]


LEVELS = ("critical", "warning", "note")
"""The gravest first."""
