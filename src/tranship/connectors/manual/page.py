"""A pick list to print: one batch on a page of its own, first the walk through the shelves, then what goes into which parcel.

The page needs nothing from elsewhere (no script, no font, no picture), so it prints the same on any machine.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby

from tranship.connectors.manual.barcode import svg
from tranship.connectors.manual.model import Pick, batch_id, picks
from tranship.masking.model import MaskedOrder

_SERVICES = {"ground": "Ground", "two_day": "2-day", "next_day": "Next day"}
_BOX = '<input type="checkbox" aria-label="{}">'


def page(
    batches: Sequence[Sequence[MaskedOrder]],
    *,
    warehouse: str = "",
    printed: str = "",
    bins: Mapping[str, str] | None = None,
) -> str:
    """The batches as one HTML document. `printed` is a day or time as it should read; without it the paper bears none.

    Raises:
        InputError: a batch without orders, or with one of them twice.
    """
    sheets = "".join(_batch(orders, warehouse, printed, bins) for orders in batches)
    title = escape(f"Pick list {warehouse}".strip())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_css()}</style></head><body>{sheets}</body></html>\n"
    )


def _batch(orders: Sequence[MaskedOrder], warehouse: str, printed: str, bins: Mapping[str, str] | None) -> str:
    rows = picks(orders, bins)
    number = batch_id([order.remote_id for order in orders])
    units = sum(pick.quantity for pick in rows)
    skus = len({pick.sku for pick in rows})
    due = min((order.ship_by for order in orders if order.ship_by), default="")
    facts = [(len(orders), "order"), (skus, "SKU"), (units, "unit")]
    counted = "".join(f"<div><b>{count:,}</b>{word}{'' if count == 1 else 's'}</div>" for count, word in facts)
    where = " · ".join(escape(text) for text in (warehouse, f"printed {printed}" if printed else "") if text)
    ordered = sorted(orders, key=lambda order: (order.ship_by or "9999", order.remote_id))
    cards = "".join(_card(order, bins or {}) for order in ordered)
    return (
        f'<section class="batch"><header><div><h1>Pick list</h1><p>{where}</p></div>'
        f'<div class="batchid">{svg(number)}<b>{number}</b></div></header>'
        f'<div class="facts">{counted}{f"<div><b>{escape(due)}</b>first ship-by day</div>" if due else ""}</div>'
        f"<h2>Fetch <small>in walking order</small></h2>{_walk(rows)}"
        f'<h2>Pack <small>one box on the left for each line, then carrier and tracking number</small></h2><div class="orders">{cards}</div>'
        '<p class="how">Send the CSV of this list back with the columns shipped, status (shipped, short or cancelled), carrier and '
        "tracking filled in.</p><footer><span>Picked by</span><span>Packed by</span><span>Date and time</span></footer></section>"
    )


def _walk(rows: list[Pick]) -> str:
    """Every SKU once, with all its units and the orders they are for."""
    binned = any(pick.bin for pick in rows)
    body = []
    for (bin_, sku), same in groupby(rows, key=lambda pick: (pick.bin, pick.sku)):
        found = list(same)
        wanted = "".join(f"<span>{escape(pick.remote_id)} &times; {pick.quantity}</span> " for pick in found)
        body.append(
            f'<tr><td class="box">{_BOX.format("fetched")}</td>'
            + (f'<td class="bin">{escape(bin_) or "&ndash;"}</td>' if binned else "")
            + f'<td class="sku">{escape(sku)}</td><td class="n"><b>{sum(pick.quantity for pick in found)}</b></td>'
            f'<td class="for">{wanted}</td></tr>'
        )
    heading = (
        "<th></th>" + ("<th>Bin</th>" if binned else "")
    ) + '<th>SKU</th><th class="n">Units</th><th>For orders</th>'
    return f"<table><thead><tr>{heading}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _card(order: MaskedOrder, bins: Mapping[str, str]) -> str:
    to = order.to
    town = " ".join(part for part in (f"{to.city}," if to.state else to.city, to.state, to.postal_code) if part)
    street = "<br>".join(escape(line) for line in (to.line1, to.line2) if line)
    days = " · ".join(
        f"{word} {day}" for word, day in (("ship by", order.ship_by), ("arrive by", order.deliver_by)) if day
    )
    lines = sorted(order.lines, key=lambda line: (bins.get(line.sku, ""), line.sku, line.line_id))
    packed = "".join(
        f"<li>{_BOX.format('packed')}<b>{line.quantity} &times;</b><span>{escape(line.sku)}</span></li>"
        for line in lines
    )
    service = escape(_SERVICES.get(order.service, order.service))
    return (
        f'<article class="order"><div class="top"><span class="id">{escape(order.remote_id)}</span>'
        f'<span class="service">{service}</span></div><span class="when">{escape(days)}</span>{svg(order.remote_id)}'
        f"<address><b>{escape(to.name)}</b>{street}<br>{escape(town)} &middot; {escape(to.country)}</address><ul>{packed}</ul>"
        '<div class="fill"><span>Carrier</span><span>Tracking number</span></div></article>'
    )


@cache
def _css() -> str:
    return files("tranship.connectors.manual").joinpath("page.css").read_text(encoding="utf-8")
