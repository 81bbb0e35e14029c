"""Amazon's own SDK talks to the stand-in Amazon through the proxy: it sees its own words, the network sees tokens."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.running import Proxy, hits, order, proxy
from tests.sandbox.running import Running, amazon
from tests.support import shared
from tranship.masking.tokens import kind_of

START = "2026-11-27T00:00:00Z"
DAY = 86_400
TOLD = order("sdk")
NAME, ORDER, LINE = TOLD.canaries["sdk name"], TOLD.order_id, TOLD.canaries["sdk line"]


@pytest.fixture(scope="module")
def there() -> Iterator[Running]:
    """A stand-in Amazon that judges every request by the vendor's files."""
    shared("models", "sp-api", "models")
    with amazon("--sku", "S1=100", "--token-s", "1e9", clock=START) as running:
        yield running
        report = running.report()
        assert report["violations"] == 0, report["violation_texts"]
        assert report["bad_requests"] == 0, report["bad_request_texts"]


def client(there: Running, here: Proxy) -> Any:
    """The SDK, pointed at the proxy; it gets its access tokens where it always does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's own source has invalid escapes
        pytest.importorskip("spapi")
        import spapi
    config = spapi.SPAPIConfig(*(there.info[key] for key in ("client_id", "client_secret", "refresh_token")))
    return spapi.SPAPIClient(config, oauth_endpoint=there.url + there.info["token_path"], endpoint=here.url).api_client


def nothing_there(there: Running, here: Proxy) -> None:
    """No canary in anything that the stand-in knows, nor in the proxy's files."""
    assert hits(TOLD.canaries, json.dumps(there.report())) == []
    assert hits(TOLD.canaries, here.kept()) == []


def test_the_version_of_2020_through_the_proxy(there: Running, tmp_path: Path):
    """Create, read, release, list, track, return."""
    with proxy(tmp_path / "store", there.url) as here:
        api_client = client(there, here)
        from spapi.api.fulfillment_outbound_v2020_07_01.fba_outbound_api import FbaOutboundApi
        from spapi.models import fulfillment_outbound_v2020_07_01 as words

        api = FbaOutboundApi(api_client)
        address = words.Address(
            name=NAME,
            address_line1="1 Main St",
            city="Seattle",
            state_or_region="WA",
            postal_code="98103",
            country_code="US",
            phone="415 555 2671",
        )
        item = words.CreateFulfillmentOrderItem(
            seller_sku="S1", seller_fulfillment_order_item_id=LINE, quantity=1, gift_message=TOLD.canaries["sdk gift"]
        )
        wanted = words.CreateFulfillmentOrderRequest(
            seller_fulfillment_order_id=ORDER, displayable_order_id=ORDER, displayable_order_date="2026-11-27T08:09:10Z",
            displayable_order_comment=TOLD.canaries["sdk comment"], shipping_speed_category="Standard", destination_address=address,
            fulfillment_action="Hold", items=[item],
        )  # fmt: skip
        api.create_fulfillment_order(wanted)
        (remote,) = there.report()["orders"]
        assert kind_of(remote) == "order"
        held = api.get_fulfillment_order(ORDER).payload
        assert held.fulfillment_order.seller_fulfillment_order_id == ORDER
        assert held.fulfillment_order.destination_address.name == NAME
        assert held.fulfillment_order_items[0].seller_fulfillment_order_item_id == LINE
        api.update_fulfillment_order(ORDER, words.UpdateFulfillmentOrderRequest(fulfillment_action="Ship"))
        there.advance(DAY)
        gone = api.get_fulfillment_order(ORDER).payload
        assert gone.fulfillment_order.fulfillment_order_status == "Complete"
        shipment = gone.fulfillment_shipments[0]
        number = shipment.fulfillment_shipment_package[0].package_number
        assert api.get_package_tracking_details(number).payload.current_status == "IN_TRANSIT"
        listed = api.list_all_fulfillment_orders(query_start_date="2026-11-26T00:00:00Z").payload.fulfillment_orders
        assert [each.seller_fulfillment_order_id for each in listed] == [ORDER]
        code = api.list_return_reason_codes("S1").payload.reason_code_details[0].return_reason_code
        back = words.CreateReturnItem(
            seller_return_item_id="R-1", seller_fulfillment_order_item_id=LINE, amazon_shipment_id=shipment.amazon_shipment_id,
            return_reason_code=code,
        )  # fmt: skip
        made = api.create_fulfillment_return(ORDER, words.CreateFulfillmentReturnRequest(items=[back])).payload
        assert made.return_items[0].seller_return_item_id == "R-1"
    nothing_there(there, here)


def test_the_version_of_2026_through_the_proxy(there: Running, tmp_path: Path):
    """Create, read, cancel, list; an error comes as the SDK expects errors."""
    there.reset()
    with proxy(tmp_path / "store", there.url, kind="amazon_mcf") as here:
        api_client = client(there, here)
        import spapi
        from spapi.api.fulfillment_outbound_v2026_07_04.fulfillment_outbound_api import FulfillmentOutboundApi
        from spapi.models import fulfillment_outbound_v2026_07_04 as words

        api = FulfillmentOutboundApi(api_client)
        address = words.Address(
            name=NAME, address_line1="1 Main St", city="Seattle", postal_code="98103", country_code="US"
        )
        product = words.OrderProduct(product_identifier=words.ProductIdentifier(amazon_sku="S1"))
        line = words.CreateOrderLineItem(
            line_item_id=LINE, product=product, amount=words.Amount(unit="EACHES", value="2.0")
        )
        wanted = words.CreateOrderRequest(
            order_id=ORDER, destination=words.OrderDestination(delivery_address=address), line_items=[line],
            fulfillment_configuration=words.OrderFulfillmentConfiguration(action="SHIP"),
        )  # fmt: skip
        made = api.create_order(wanted)
        assert made.order.order_id == ORDER
        with pytest.raises(spapi.ApiException) as caught:
            api.create_order(wanted)  # sent again as it left first; Amazon says that it has it
        assert caught.value.status == 400 and ORDER not in str(caught.value.body)
        found = api.get_order(ORDER).order
        assert found.line_items[0].line_item_id == LINE and found.destination.delivery_address.name == NAME
        api.cancel_order(ORDER)
        there.advance(2)
        assert api.get_order(ORDER).order.status == "CANCELLED"
        assert [each.order_id for each in api.list_orders(updated_after="2026-11-26T00:00:00Z").orders] == [ORDER]
    nothing_there(there, here)


def test_the_proxy_logs_in_itself(there: Running, tmp_path: Path):
    """With --login clients need no credentials of the network: the proxy's own token is enough, and it does not leave."""
    there.reset()
    secrets = {f"LWA_{key.upper()}": str(there.info[key]) for key in ("client_id", "client_secret", "refresh_token")}
    token = "clients-show-this-one"
    env = {**secrets, "TRANSHIP_PROXY_TOKEN": token}
    with proxy(tmp_path / "store", there.url, "--login", there.url, env=env) as here:
        told = order("login")
        refused = here.create(told.body, x_amz_access_token="Atza|wrong")
        assert refused.status == 401
        made = here.create(told.body, x_amz_access_token=token)
        assert made.status == 200, made
        assert hits(told.canaries, json.dumps(there.report())) == []
        kept = here.kept()
        assert all(secret.encode() not in kept for secret in (*secrets.values(), token))
