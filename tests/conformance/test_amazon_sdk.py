"""Amazon's own SDK, a client that nobody here wrote, drives the stand-in Amazon through the life of orders on both versions."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.running import Running, amazon
from tests.support import shared

START = "2026-11-27T00:00:00Z"
DAY = 86_400


@pytest.fixture(scope="module")
def there() -> Iterator[Running]:
    """A stand-in Amazon that validates by the vendor's files; at the end it broke none, and the SDK asked for nothing wrong."""
    shared("models", "sp-api", "models")
    with amazon("--sku", "S1=100", "--token-s", "1e9", clock=START) as running:
        assert running.info["validates"], running.info["why_not"]
        yield running
        report = running.report()
        assert report["violations"] == 0, report["violation_texts"]
        assert report["bad_requests"] == 0, report["bad_request_texts"]


@pytest.fixture(scope="module")
def spapi(there: Running) -> Any:
    """The SDK, and a client of it that gets its tokens from the sandbox."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's own source has invalid escapes
        pytest.importorskip("spapi")
        import spapi
    config = spapi.SPAPIConfig(*(there.info[key] for key in ("client_id", "client_secret", "refresh_token")))
    client = spapi.SPAPIClient(config, oauth_endpoint=there.url + there.info["token_path"], endpoint=there.url)
    return spapi, client.api_client


def refused(call: Any, *arguments: Any) -> int:
    """The status with which a call is refused, as the SDK's exception tells it."""
    import spapi

    with pytest.raises(spapi.ApiException) as caught:
        call(*arguments)
    return int(caught.value.status)


def test_the_sdk_drives_the_version_of_2026(there: Running, spapi: Any):
    """Create on hold, read, release, cancel, list, until it left."""
    from spapi.api.fulfillment_outbound_v2026_07_04.fulfillment_outbound_api import FulfillmentOutboundApi
    from spapi.models import fulfillment_outbound_v2026_07_04 as words

    api = FulfillmentOutboundApi(spapi[1])

    def wanted(number: str, action: str) -> Any:
        address = words.Address(
            name="A Name", address_line1="1 Main St", city="Seattle", postal_code="98103", country_code="US"
        )
        product = words.OrderProduct(product_identifier=words.ProductIdentifier(amazon_sku="S1"))
        line = words.CreateOrderLineItem(
            line_item_id="L1", product=product, amount=words.Amount(unit="EACHES", value="2.0")
        )
        return words.CreateOrderRequest(
            order_id=number,
            destination=words.OrderDestination(delivery_address=address),
            line_items=[line],
            fulfillment_configuration=words.OrderFulfillmentConfiguration(action=action),
        )

    made = api.create_order(wanted("N-1", "HOLD"))
    assert made.order.order_id == "N-1" and made.order.fulfillment_configuration.action == "HOLD"
    assert refused(api.create_order, wanted("N-1", "SHIP")) == 400
    assert refused(api.get_order, "N-9") == 404
    api.create_order(wanted("N-2", "SHIP"))
    api.cancel_order("N-2")
    there.advance(2)
    assert api.get_order("N-2").order.status == "CANCELLED"
    there.advance(5 * DAY)
    assert api.get_order("N-1").order.shipments == []
    release = words.UpdateOrderFulfillmentConfiguration(action="SHIP")
    api.update_order("N-1", words.UpdateOrderRequest(fulfillment_configuration=release))
    there.advance(DAY)
    gone = api.get_order("N-1").order
    assert gone.status == "COMPLETE"
    package = gone.shipments[0].packages[0]
    assert package.tracking.carrier.tracking_number.startswith("1Z")
    api.update_package("N-1", package.package_id, words.UpdatePackageRequest(status="OUT_FOR_DELIVERY"))
    listed = api.list_orders(updated_after="2026-11-26T00:00:00Z")
    assert {order.order_id: order.status for order in listed.orders} == {"N-1": "COMPLETE", "N-2": "CANCELLED"}
    assert there.report()["orders"]["N-1"]["units"] == 2


def test_the_sdk_drives_the_version_of_2020(there: Running, spapi: Any):
    """The same with the older words, and tracking and a return besides."""
    from spapi.api.fulfillment_outbound_v2020_07_01.fba_outbound_api import FbaOutboundApi
    from spapi.models import fulfillment_outbound_v2020_07_01 as words

    api = FbaOutboundApi(spapi[1])

    def wanted(number: str, action: str) -> Any:
        address = words.Address(
            name="A Name", address_line1="1 Main St", city="Seattle", postal_code="98103", country_code="US"
        )
        item = words.CreateFulfillmentOrderItem(seller_sku="S1", seller_fulfillment_order_item_id="L1", quantity=1)
        return words.CreateFulfillmentOrderRequest(
            seller_fulfillment_order_id=number,
            displayable_order_id=number,
            displayable_order_date=START,
            displayable_order_comment="-",
            shipping_speed_category="Standard",
            destination_address=address,
            fulfillment_action=action,
            items=[item],
        )

    api.create_fulfillment_order(wanted("O-1", "Hold"))
    api.create_fulfillment_order(wanted("O-2", "Ship"))
    api.cancel_fulfillment_order("O-2")
    assert api.get_fulfillment_order("O-2").payload.fulfillment_order.fulfillment_order_status == "Cancelled"
    assert refused(api.create_fulfillment_order, wanted("O-2", "Ship")) == 400
    api.update_fulfillment_order("O-1", words.UpdateFulfillmentOrderRequest(fulfillment_action="Ship"))
    there.advance(DAY)
    found = api.get_fulfillment_order("O-1").payload
    assert found.fulfillment_order.fulfillment_order_status == "Complete"
    shipment = found.fulfillment_shipments[0]
    number = shipment.fulfillment_shipment_package[0].package_number
    assert api.get_package_tracking_details(number).payload.current_status == "IN_TRANSIT"
    code = api.list_return_reason_codes("S1").payload.reason_code_details[0].return_reason_code
    item = words.CreateReturnItem(
        seller_return_item_id="R-1",
        seller_fulfillment_order_item_id="L1",
        amazon_shipment_id=shipment.amazon_shipment_id,
        return_reason_code=code,
    )
    back = api.create_fulfillment_return("O-1", words.CreateFulfillmentReturnRequest(items=[item]))
    assert back.payload.return_items[0].status == "New"
    listed = api.list_all_fulfillment_orders(query_start_date="2026-11-26T00:00:00Z").payload.fulfillment_orders
    assert {"O-1", "O-2"} <= {order.seller_fulfillment_order_id for order in listed}


def test_the_sdk_counts_stock(there: Running, spapi: Any):
    """Summaries with details: what is sellable, what is on its way in."""
    from spapi.api.fba_inventory_v1.fba_inventory_api import FbaInventoryApi

    market = there.info["marketplace_id"]
    there.control("PUT", "/stock", {"S7": {"fulfillable": 7, "receiving": 3}})
    found = FbaInventoryApi(spapi[1]).get_inventory_summaries("Marketplace", market, [market], details=True)
    counts = {one.seller_sku: one.inventory_details for one in found.payload.inventory_summaries}
    assert (counts["S7"].fulfillable_quantity, counts["S7"].inbound_receiving_quantity) == (7, 3)


def test_the_sdk_subscribes(there: Running, spapi: Any):
    """A destination with the scope's token, a subscription with the seller's."""
    from spapi.api.notifications_v1.notifications_api import NotificationsApi
    from spapi.models import notifications_v1 as words

    config = spapi[0].SPAPIConfig(
        there.info["client_id"], there.info["client_secret"], scope="sellingpartnerapi::notifications"
    )
    grantless = spapi[0].SPAPIClient(config, oauth_endpoint=there.url + there.info["token_path"], endpoint=there.url)
    bus = words.EventBridgeResourceSpecification(region="us-east-1", account_id="123456789012")
    made = NotificationsApi(grantless.api_client).create_destination(
        words.CreateDestinationRequest(
            resource_specification=words.DestinationResourceSpecification(event_bridge=bus), name="bus"
        )
    )
    body = words.CreateSubscriptionRequest(payload_version="1.0", destination_id=made.payload.destination_id)
    api = NotificationsApi(spapi[1])
    subscribed = api.create_subscription("FULFILLMENT_ORDER_STATUS", body).payload
    assert api.get_subscription("FULFILLMENT_ORDER_STATUS").payload.subscription_id == subscribed.subscription_id
