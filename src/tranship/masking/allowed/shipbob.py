"""What may leave for ShipBob (2026-01): what its description requires, state and ZIP code, our line numbers.

Never: email, phone_number, company_name, gift_message, financials, unit_price, tags, order_number, purchase_date, sales_channel,
retailer_program_data. `name` of a product is required: it holds the code again, never a product's name.
"""

from tranship.masking.policy import COUNTRY, OUR_ID, QUANTITY, SKU, Allowed, Fit, Rule, address, constant

_METHOD = Rule("service", pattern="[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_PLACE = Rule("place", pattern="[1-9][0-9]{0,9}")
_LINE = Rule("line_id", pattern="[1-9][0-9]{0,15}")

_CREATE: Allowed = {
    "reference_id": OUR_ID,
    "type": constant("DTC"),
    "shipping_method": _METHOD,
    "location_id": _PLACE,
    "recipient.name": address(50),
    "recipient.address.address1": address(60),
    "recipient.address.address2": address(60),
    "recipient.address.city": address(50),
    "recipient.address.state": address(50),
    "recipient.address.zip_code": address(20),
    "recipient.address.country": COUNTRY,
    "products[].reference_id": SKU,
    "products[].name": SKU,
    "products[].quantity": QUANTITY,
    "products[].external_line_id": _LINE,
}
_OFFER: Allowed = {
    "address.country": COUNTRY,
    "address.zip_code": address(20),
    "products[].reference_id": SKU,
    "products[].quantity": QUANTITY,
    "shipping_methods[]": _METHOD,
}

ALLOWED: dict[str, dict[str, Allowed]] = {"shipbob": {"create": _CREATE, "offer": _OFFER}}
FITS = {"shipbob": Fit()}  # the description says no lengths: the cautious ones
