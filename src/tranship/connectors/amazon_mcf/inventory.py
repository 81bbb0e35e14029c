"""Stock in Amazon's network: getInventorySummaries (fbaInventory v1) and what FBA_INVENTORY_AVAILABILITY_CHANGES says. Pure.

Sellable is what is fulfillable now. Units on their way in, being received or researched are not: they become sellable when Amazon says so.
"""

import msgspec

from tranship.connectors.amazon_mcf.answers import Violation, count, decoded, read_or
from tranship.connectors.port import Count, Counted, Finding, Request, Response

PATH = "/fba/inventory/v1/summaries"


class _Reserved(msgspec.Struct, rename="camel"):
    total_reserved_quantity: int = 0


class _Researching(msgspec.Struct, rename="camel"):
    total_researching_quantity: int = 0


class _Unfulfillable(msgspec.Struct, rename="camel"):
    total_unfulfillable_quantity: int = 0


class _Details(msgspec.Struct, rename="camel"):
    fulfillable_quantity: int
    inbound_working_quantity: int = 0
    inbound_shipped_quantity: int = 0
    inbound_receiving_quantity: int = 0
    reserved_quantity: _Reserved = msgspec.field(default_factory=_Reserved)
    researching_quantity: _Researching = msgspec.field(default_factory=_Researching)
    unfulfillable_quantity: _Unfulfillable = msgspec.field(default_factory=_Unfulfillable)


class _Summary(msgspec.Struct, rename="camel"):
    seller_sku: str
    inventory_details: _Details


class _Payload(msgspec.Struct, rename="camel"):
    inventory_summaries: list[msgspec.Raw]


class _Pagination(msgspec.Struct, rename="camel"):
    next_token: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    payload: _Payload
    pagination: _Pagination | None = None


def request(marketplace: str, more: str = "") -> Request:
    """All summaries of a marketplace with their details; `more` is the token of the next page, good for 30 seconds."""
    query = (
        ("details", "true"),
        ("granularityType", "Marketplace"),
        ("granularityId", marketplace),
        ("marketplaceIds", marketplace),
        *((("nextToken", more),) if more else ()),
    )
    return Request("stock", "GET", PATH, query)


def read(response: Response) -> Counted:
    """A page of stock. Rows that cannot be read become findings, and then what is not named is not taken for none."""
    return read_or(lambda failed: Counted((), failed=failed, whole=False), "stock", response, lambda: _read(response))


def _read(response: Response) -> Counted:
    answer = decoded(response, _Answer)
    counts: dict[str, Count] = {}
    findings = []
    for number, raw in enumerate(answer.payload.inventory_summaries):
        place = f"inventorySummaries[{number}]"
        try:
            row = _counted(decoded(response._replace(body=bytes(raw)), _Summary))
        except Violation as error:
            findings.append(Finding("violation", place, f"stock: {error}"))
            continue
        if row.sku in counts:
            findings.append(Finding("violation", place, "stock: a SKU that was counted before"))
        counts.setdefault(row.sku, row)
    more = answer.pagination.next_token if answer.pagination else None
    return Counted(tuple(counts.values()), more or "", tuple(findings), whole=not findings)


def _counted(row: _Summary) -> Count:
    details = row.inventory_details
    inbound = (details.inbound_working_quantity, details.inbound_shipped_quantity, details.inbound_receiving_quantity)
    unsellable = (
        details.unfulfillable_quantity.total_unfulfillable_quantity,
        details.researching_quantity.total_researching_quantity,
    )
    return Count(
        row.seller_sku,
        "",
        sellable=count(details.fulfillable_quantity, "fulfillableQuantity"),
        reserved=count(details.reserved_quantity.total_reserved_quantity, "totalReservedQuantity"),
        inbound=sum(count(part, "inboundQuantity") for part in inbound),
        unsellable=sum(count(part, "unfulfillableQuantity") for part in unsellable),
    )
