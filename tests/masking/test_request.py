"""A connector's whole request is held against its policy: path, query and headers as well as the body."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.masked import connector
from tranship.connectors.port import Order, Request
from tranship.core.errors import InputError
from tranship.core.order import Destination, Person
from tranship.masking.mask import mask
from tranship.masking.policy import MaskingError
from tranship.masking.request import check_request

SECRET = "Ann Example"
KINDS = ("amazon_mcf", "amazon_mcf_2020", "shipbob")
SINCE = 1_790_000_000_000_000
ANN = Person("c1", SECRET, "1 Example Road", "Chicago")
TO = Destination(zip="60601", country="US", state="IL")


def requests(kind: str) -> Iterator[Request]:
    """All that a connector asks for, also with what its network told to go on from."""
    made, one = connector(kind), Order("TS-1", "300")
    order = mask("TS-1", ANN, TO, [("1", "MUG", 2)], ship_by="2026-11-30", kind=kind)
    yield made.offer(order)
    yield made.create(one, made.body(order, hold=False))
    for op in ("release", "get", "cancel", "tracking"):
        yield getattr(made, op)(one)
    yield made.list(SINCE)
    yield made.returns(SINCE)
    yield made.stock()
    if kind == "shipbob":
        yield made.cancel(Order("TS-1"))
        yield made.list(SINCE, "2026-11-22T10:00:00Z")
        yield made.returns(SINCE, "StartDate=2026-11-22T10%3A00%3A00Z&Limit=3&Cursor=2")
        yield made.stock(0, "PageSize=3&SearchBy=after:12")
    else:
        yield made.list(SINCE, "Zm9v/+=")
        yield made.returns(SINCE, "TS-1")
        yield made.stock(0, "Zm9v/+=")


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_connectors_ask_for_may_leave(kind: str):
    """Every operation of the port, first pages and further ones."""
    for request in requests(kind):
        check_request(kind, *request)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_anywhere_in_a_request_stops_it(kind: str):
    """A name in the path, in a query's value or name, twice, in a header or in a body where none belongs: the place is told, it is not."""
    for request in requests(kind):
        hidden = SECRET.replace(" ", "%20")
        wrong = [
            request._replace(path=f"{request.path}/{hidden}"),
            request._replace(path=request.path.replace("TS-1", hidden).replace("300", hidden) + "%FF"),
            request._replace(query=(*request.query, (SECRET, "1"))),
            request._replace(headers=(*request.headers, ("X-Customer", SECRET))),
            request._replace(headers=(("Content-Type", SECRET),)),
            request._replace(method="DELETE"),
            request._replace(op="nothing"),
            request._replace(body=b'{"note": "' + SECRET.encode() + b'"}'),
        ]
        for number, (name, value) in enumerate(request.query):
            others = [pair for place, pair in enumerate(request.query) if place != number]
            if name not in {"nextToken", "pageToken", "SearchBy"}:  # what the network told goes back as it is
                wrong.append(request._replace(query=(*others, (name, SECRET))))
            wrong.append(request._replace(query=(*request.query, (name, value))))
        for each in wrong:
            with pytest.raises(MaskingError) as caught:
                check_request(kind, *each)
            assert SECRET not in str(caught.value) and hidden not in str(caught.value)


def test_the_id_in_a_path_is_one_of_ours_or_the_networks_number():
    """A shop's own order number has signs that ours never have; ShipBob's numbers are numbers."""
    for kind, path in (
        ("amazon_mcf", "/fulfillment/outbound/2026-07-04/orders/shop_1001"),
        ("amazon_mcf_2020", "/fba/outbound/2020-07-01/fulfillmentOrders/shop_1001"),
    ):
        with pytest.raises(MaskingError, match="path"):
            check_request(kind, "get", "GET", path)
    with pytest.raises(MaskingError, match="path"):
        check_request("shipbob", "cancel", "POST", "/2026-01/order/300-1:cancel")


def test_a_kind_without_a_policy_sends_nothing():
    """There is no list, so nothing is on it."""
    with pytest.raises(InputError, match="no policy"):
        check_request("unheard", "get", "GET", "/")


class Refuses:
    """A client to which nothing may come."""

    async def send(self, request: Request) -> Any:
        """Nothing should have been sent."""
        raise AssertionError(f"{request!r} was sent")


@pytest.mark.parametrize(("op", "outcome"), [("create", "refused"), ("get", "violation"), ("cancel", "violation")])
def test_a_connector_that_lets_something_out_does_not_get_it_sent(op: str, outcome: str):
    """The driver's link stands between connector and wire: nothing leaves; the order goes elsewhere, a question to a person."""
    from tests.engine.connected import HOLDS
    from tranship.core.capability import Connection
    from tranship.core.health import Health
    from tranship.engine.driver.link import Link

    settings: dict[str, object] = {"endpoint": "http://127.0.0.1:9", "channel_id": 100200}
    link = Link(Connection("c", "shipbob", HOLDS, settings=settings, secrets={"token": "env:NONE"}), Health(), 0)
    link.client = Refuses()  # type: ignore[assignment]
    link.connector.settings = link.connector.settings._replace(channel_id=SECRET)  # type: ignore[attr-defined]
    body = b'{"reference_id": "TS-1"}'
    result, answer = asyncio.run(link.call(op, Order("TS-1", "300"), body, lambda: 0))
    assert (result.outcome, answer) == (outcome, b"") and "not sent: header" in result.detail
    assert SECRET not in repr(result)
