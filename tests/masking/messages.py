"""Messages as a shop's software makes them, and as Amazon answers them, for tests of masking."""

import json
from typing import Any

from tranship.masking.message import Masked, Message, mask
from tranship.masking.policy import Policy, load
from tranship.masking.tokens import Tokens
from tranship.masking.tokens_memory import MemoryTokens

DAY = 20_779
"""2026-11-22."""
MCF = load("amazon_mcf_2020")


def order(**more: Any) -> dict[str, Any]:
    """createFulfillmentOrder, 1.1 KB of it; a keyword replaces a leaf at the top, None leaves it out."""
    body: dict[str, Any] = {
        "marketplaceId": "ATVPDKIKX0DER",
        "sellerFulfillmentOrderId": "SHOP-100123",
        "displayableOrderId": "#100123",
        "displayableOrderDate": "2026-11-21T08:15:30Z",
        "displayableOrderComment": "Thank you, Ada, for being with us since 2019!",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": address(),
        "fulfillmentAction": "Ship",
        "fulfillmentPolicy": "FillAllAvailable",
        "shipFromCountryCode": "US",
        "notificationEmails": ["ada@post.example"],
        "featureConstraints": [{"featureName": "BLANK_BOX", "featureFulfillmentPolicy": "Required"}],
        "items": [line(), line(sellerSku="CUP-2", sellerFulfillmentOrderItemId="8812002", quantity=1)],
    }
    return {key: value for key, value in {**body, **more}.items() if value is not None}


def address(**more: Any) -> dict[str, Any]:
    """A destination."""
    told = {
        "name": "Ada Byron",
        "addressLine1": "12 Oak St",
        "addressLine2": "Apt 5",
        "city": "Seattle",
        "stateOrRegion": "WA",
        "postalCode": "98101",
        "countryCode": "US",
        "phone": "+1 415 555 2671",
    }
    return {key: value for key, value in {**told, **more}.items() if value is not None}


def line(**more: Any) -> dict[str, Any]:
    """A line of an order."""
    told = {
        "sellerSku": "MUG-1",
        "sellerFulfillmentOrderItemId": "8812001",
        "quantity": 2,
        "giftMessage": "Happy birthday",
        "perUnitDeclaredValue": {"currencyCode": "USD", "value": "12.50"},
    }
    return {key: value for key, value in {**told, **more}.items() if value is not None}


def masked(body: Any, tokens: Tokens | None = None, op: str = "create", policy: Policy = MCF, **path: str) -> Masked:
    """A body through the policy."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return mask(Message(raw, path), op, policy, tokens if tokens is not None else MemoryTokens(), now_day=DAY)


def told(made: Masked) -> Any:
    """What leaves, parsed."""
    return json.loads(made.body)


def answer(made: Masked, **more: Any) -> dict[str, Any]:
    """GetFulfillmentOrder's answer about a masked order, which repeats what it was told."""
    sent = told(made)
    head = {key: value for key, value in sent.items() if key not in {"items", "deliveryPreferences"}}
    head |= {"receivedDate": "2026-11-22T08:16:00Z", "fulfillmentOrderStatus": "Processing"} | more
    return {"payload": {"fulfillmentOrder": head, "fulfillmentOrderItems": sent["items"], "fulfillmentShipments": []}}
