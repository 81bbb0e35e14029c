"""A pick list as CSV: what to fetch and where to send it, with empty columns that the warehouse fills in and sends back."""

import csv
import io
from collections.abc import Mapping, Sequence

from tranship.connectors.manual.model import batch_id, picks
from tranship.masking.model import MaskedOrder

COLUMNS = (
    "batch", "bin", "sku", "quantity", "order", "line", "name", "address1", "address2", "city", "state", "zip", "country",
    "service", "ship_by", "deliver_by", "shipped", "status", "carrier", "tracking",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t")
"""Beginnings that a spreadsheet would take for a formula."""


def pick_list(orders: Sequence[MaskedOrder], batch: str = "", *, bins: Mapping[str, str] | None = None) -> bytes:
    """The list as CSV (UTF-8 with a byte order mark, CRLF: what spreadsheets open rightly). The same orders give the same bytes.

    Raises:
        InputError: no orders, or one of them twice.
    """
    rows = picks(orders, bins)
    number = batch or batch_id([order.remote_id for order in orders])
    by_id = {order.remote_id: order for order in orders}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for pick in rows:
        order = by_id[pick.remote_id]
        to = order.to
        writer.writerow(
            [
                number, plain(pick.bin), plain(pick.sku), pick.quantity, plain(pick.remote_id), plain(pick.line_id),
                plain(to.name), plain(to.line1), plain(to.line2), plain(to.city), plain(to.state), plain(to.postal_code),
                to.country, order.service, order.ship_by, order.deliver_by, "", "", "", "",
            ]
        )  # fmt: skip
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def plain(text: str) -> str:
    """A cell that no spreadsheet calculates: a leading apostrophe says that it is text.

    >>> plain("=1+1"), plain("12-A")
    ("'=1+1", '12-A')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
