"""What may stand on a pick list: the address of the parcel, the units, the days. Paper is seen by many; nothing else gets onto it."""

from tranship.masking.policy import COUNTRY, DAY, LINE_ID, OUR_ID, QUANTITY, SKU, Allowed, Fit, Rule, address, constant

_CREATE: Allowed = {
    "remote_id": OUR_ID,
    "to.name": address(50),
    "to.line1": address(60),
    "to.line2": address(60),
    "to.city": address(50),
    "to.state": address(50),
    "to.postal_code": address(20),
    "to.country": COUNTRY,
    "lines[].line": LINE_ID,
    "lines[].sku": SKU,
    "lines[].quantity": QUANTITY,
    "service": constant("ground", "two_day", "next_day"),
    "ship_by": DAY,
    "deliver_by": DAY,
    "location": Rule("place", pattern="[A-Za-z0-9_. -]{1,64}"),
}

ALLOWED: dict[str, dict[str, Allowed]] = {"manual": {"create": _CREATE}}
FITS = {"manual": Fit()}
