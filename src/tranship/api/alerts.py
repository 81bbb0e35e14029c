"""Alerts that went out: a list, and the word that somebody has seen one."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from tranship.api import problems
from tranship.api.context import Context, context_of
from tranship.api.orders import JSON
from tranship.core.time import from_micros
from tranship.dispatch.alerting import Alert, level_of
from tranship.engine.alarm import Alarm

AnyRequest = Request[Any, Any, Any]
MOST = 200


class AlertNow(msgspec.Struct, frozen=True):
    """One alert: the same thing about the same subject, however often. `told`: contacts that were told."""

    id: int
    level: str
    kind: str
    subject: str
    detail: str
    first_at: str
    last_at: str
    count: int
    told: int
    acknowledged: bool


class AlertList(msgspec.Struct, frozen=True):
    """The newest alerts of this process; `contacts` is how many people can be told."""

    contacts: int
    alerts: tuple[AlertNow, ...]


@get("/v1/alerts")
async def get_alerts(request: AnyRequest) -> Response[AlertList]:
    """Alerts since the service started, and those left over from before, the newest first."""
    alarm = context_of(request).alarm
    if alarm is None:
        return Response(content=AlertList(0, ()), media_type=JSON)
    newest = sorted(alarm.desk.alerts.values(), key=lambda alert: -alert.id)[:MOST]
    found = AlertList(len(alarm.settings.contacts), tuple(_shown(alert) for alert in newest))
    return Response(content=found, media_type=JSON)


@post("/v1/alerts/{alert_id:str}/acknowledge", status_code=200)
async def post_acknowledge(request: AnyRequest) -> Response[AlertNow]:
    """Somebody has seen it: it escalates no further."""
    number = request.path_params["alert_id"]
    known = number.isascii() and number.isdigit() and len(number) < 19
    alert = await _alarm(context_of(request)).acknowledge(int(number) if known else 0)
    if alert is None:
        raise problems.not_found("there is no such alert")
    return Response(content=_shown(alert), media_type=JSON)


def _alarm(context: Context) -> Alarm:
    if context.alarm is None:
        raise problems.not_found("the network file names nobody to tell")
    return context.alarm


def _shown(alert: Alert) -> AlertNow:
    return AlertNow(
        alert.id, level_of(alert.kind), alert.kind, alert.subject, alert.detail, _time(alert.first_at),
        _time(alert.last_at), alert.count, alert.told, bool(alert.acknowledged_at),
    )  # fmt: skip


def _time(at: int) -> str:
    return from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ")


HANDLERS = (get_alerts, post_acknowledge)
