"""What may leave for Amazon Multi-Channel Fulfillment, by its own models of 2026-07-04 and 2020-07-01.

The leaves that it requires, and the two that make an order safe (Hold) and neutral (unbranded box). Never: `channel`, `deliveryNotes`,
phone, email, `perUnitDeclaredValue`, `packingSlip`, `giftMessage`, `displayableComment`, `notificationEmails`, `paymentInformation`,
`ipAddress`. `displayableOrderComment` is required in 2020-07-01: it holds one fixed sentence.
"""

from tranship.masking.policy import COUNTRY, DAY, LINE_ID, OUR_ID, PLACE, QUANTITY, SKU, Allowed, Fit, address, constant

COMMENT = "Thank you for your order."
"""The one sentence that the older version makes everybody send."""


def _address(prefix: str) -> Allowed:
    return {
        f"{prefix}.name": address(50),
        f"{prefix}.addressLine1": address(60),
        f"{prefix}.addressLine2": address(60),
        f"{prefix}.city": address(50),
        f"{prefix}.stateOrRegion": address(50),
        f"{prefix}.postalCode": address(20),
        f"{prefix}.countryCode": COUNTRY,
    }


_TIERS = constant("STANDARD", "EXPEDITED", "PRIORITY")
_SPEEDS = constant("Standard", "Expedited", "Priority")

_V2026: dict[str, Allowed] = {
    "create": {
        "orderId": OUR_ID,
        **_address("destination.deliveryAddress"),
        "lineItems[].lineItemId": LINE_ID,
        "lineItems[].product.productIdentifier.amazonSku": SKU,
        "lineItems[].amount.unit": constant("EACHES"),
        "lineItems[].amount.value": QUANTITY,
        "fulfillmentConfiguration.action": constant("HOLD", "SHIP"),
        "fulfillmentConfiguration.policy": constant("FILL_OR_KILL", "FILL_ALL", "FILL_ALL_AVAILABLE"),
        "fulfillmentConfiguration.serviceLevel.serviceTiers[]": _TIERS,
        "fulfillmentConfiguration.services.packaging.packagingOption": constant("UNBRANDED", "ANY"),
        "origin.countryCode": COUNTRY,
    },
    "release": {"fulfillmentConfiguration.action": constant("SHIP")},
    "offer": {  # ZIP code and country: an offer needs no person
        "destination.deliveryAddress.postalCode": address(20),
        "destination.deliveryAddress.countryCode": COUNTRY,
        "origin.countryCode": COUNTRY,
        "fulfillmentConfiguration.serviceLevel.serviceTiers[]": _TIERS,
        "items[].productIdentifier.amazonSku": SKU,
    },
}

_V2020: dict[str, Allowed] = {
    "create": {
        "marketplaceId": PLACE,
        "sellerFulfillmentOrderId": OUR_ID,
        "displayableOrderId": OUR_ID,
        "displayableOrderDate": DAY,
        "displayableOrderComment": constant(COMMENT),
        "shippingSpeedCategory": _SPEEDS,
        **_address("destinationAddress"),
        "fulfillmentAction": constant("Hold", "Ship"),
        "fulfillmentPolicy": constant("FillOrKill", "FillAll", "FillAllAvailable"),
        "shipFromCountryCode": COUNTRY,
        "featureConstraints[].featureName": constant("BLANK_BOX", "BLOCK_AMZL"),
        "featureConstraints[].featureFulfillmentPolicy": constant("Required", "NotRequired"),
        "items[].sellerSku": SKU,
        "items[].sellerFulfillmentOrderItemId": LINE_ID,
        "items[].quantity": QUANTITY,
    },
    "release": {"fulfillmentAction": constant("Ship")},
    "offer": {
        "product.productIdentifier.merchantSku": SKU,
        "product.amount.unitOfMeasure": constant("Eaches"),
        "product.amount.value": QUANTITY,
        "terms.origin.countryCode": COUNTRY,
        "terms.destination.deliveryAddress.postalCode": address(20),
        "terms.destination.deliveryAddress.countryCode": COUNTRY,
    },
}

ALLOWED: dict[str, dict[str, Allowed]] = {"amazon_mcf": _V2026, "amazon_mcf_2020": _V2020}
# The vendor's files say no lengths. Name 50 and city 50 were those of the interface before 2020; 60 a line is what its older line 2 and
# line 3 took and what a label prints.
FITS = {"amazon_mcf": Fit(), "amazon_mcf_2020": Fit()}
