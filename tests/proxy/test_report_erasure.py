"""An order is erased while a document that speaks of it is being read: nothing of it is written behind the erasure."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.proxy.running import order
from tests.proxy.test_forgetting import rows
from tranship.connectors.port import Request, Response
from tranship.masking.reports.spool import Spool
from tranship.proxy import heads
from tranship.proxy.counts import Counts
from tranship.proxy.desk import Desk
from tranship.proxy.keeper import Keeper
from tranship.proxy.refusal import RefusedError
from tranship.proxy.reporting import BATCH_ROWS, _Unmasking
from tranship.proxy.run import Plan, checked_policy, open_parts
from tranship.proxy.settings import ProxySettings

TYPE = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
HEAD = b"merchant-order-id\trecipient-name\tbuyer-email\n"
PATH = "/fba/outbound/2020-07-01/fulfillmentOrders"


class Network:
    """Takes every order, and remembers what it was sent."""

    def __init__(self) -> None:
        self.got: list[Request] = []

    async def send(self, request: Request) -> Response:
        """An empty answer."""
        self.got.append(request)
        return Response(200, {}, b"{}")


class Document:
    """A document that comes in two pieces, with something between them."""

    charset = ""

    def __init__(self, first: bytes, between: object, second: bytes) -> None:
        self._first, self._between, self._second = first, between, second

    async def pieces(self) -> AsyncIterator[bytes]:
        """Both."""
        yield self._first
        assert callable(self._between)
        await self._between()
        yield self._second


@pytest.mark.parametrize("more", [0, BATCH_ROWS + 500])
def test_what_is_read_before_an_erasure_is_not_written_after_it(tmp_path: Path, more: int):
    """Its e-mail would be kept under a token: the document is refused, and no row of a person is left in the store."""

    async def read() -> None:
        with ExitStack() as stack:
            plan = Plan(tmp_path / "store", ProxySettings("http://127.0.0.1:1"), "amazon_mcf_2020", "AMZ")
            policy, parts, there = checked_policy(plan), open_parts(stack, plan), Network()
            desk = Desk(
                policy, "AMZ", parts.vault, parts.orders, Keeper(parts.writer, 20), there, Counts(), erase=parts.erase
            )
            told = order("told", sellerFulfillmentOrderId="SHOP-1")
            head = heads.read("POST", PATH.encode(), b"", [(b"host", b"x"), (b"content-type", b"application/json")])
            assert (await desk.route(head).answer(head, json.dumps(told.body).encode())).status == 200
            token = rows(plan.folder, "SELECT token FROM token WHERE kind = 'order'")[0][0]

            async def erase() -> None:
                assert await desk.erase("SHOP-1")

            document = Document(
                HEAD + f"{token}\t\tada@example.com\n".encode(), erase, b"111-2222222-3333333\t\tx@example.com\n" * more
            )
            spool = Spool()
            try:
                with pytest.raises(RefusedError, match="erased meanwhile"):
                    await _Unmasking(desk, policy.report(TYPE), spool, 1 << 20).run(document)  # type: ignore[arg-type]
            finally:
                spool.close()

    asyncio.run(read())
    assert rows(tmp_path / "store", "SELECT kind FROM token WHERE state <> 'gone' AND person_id <> ''") == []
    assert rows(tmp_path / "store", "SELECT person_id FROM person") == []
