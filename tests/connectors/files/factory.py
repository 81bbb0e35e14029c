"""Small files of orders for the tests of the intake, and the checks that hold for every staged file."""

import gzip
from collections.abc import Iterable
from pathlib import Path

from tranship.connectors.files import Staged

UCI_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def uci_row(
    invoice: str = "500001",
    stock: str = "85048",
    quantity: object = 5,
    when: str = "2010-03-01 10:00",
    price: object = "1.25",
    customer: str = "13085",
) -> str:
    """A row of the UCI export."""
    return f"{invoice},{stock},A THING,{quantity},{when},{price},{customer},United Kingdom"


def write(path: Path, content: str | bytes, *, packed: bool = False, encoding: str = "utf-8") -> Path:
    """Write a file, gzip where `packed`."""
    data = content.encode(encoding) if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return path


def uci_file(folder: Path, rows: Iterable[str], name: str = "uci.csv") -> Path:
    """A UCI export with these rows."""
    return write(folder / name, "\n".join((UCI_HEADER, *rows)) + "\n")


def csv_file(folder: Path, text: str, name: str = "orders.csv") -> Path:
    """A file from an indented text block."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return write(folder / name, "\n".join(lines) + "\n")


def outcomes(staged: Staged) -> dict[int, str]:
    """File line -> its outcome: "order", "cancel" or the reason it was rejected."""
    found = {line.at_line: "order" for order in staged.orders for line in order.lines}
    found |= {cancel.at_line: "cancel" for cancel in staged.cancels}
    return found | {reject.at_line: reject.reason for reject in staged.rejects}


def check(staged: Staged) -> Staged:
    """Hold what is true of every staged file: counts add up, order is by time, keys are unique, cancels fit their lines."""
    assert staged.read == staged.accepted + len(staged.rejects)
    assert sum(staged.reasons.values()) == len(staged.rejects)
    assert [o.placed_at for o in staged.orders] == sorted(o.placed_at for o in staged.orders)
    assert [c.at for c in staged.cancels] == sorted(c.at for c in staged.cancels)
    left = {}
    for order in staged.orders:
        assert order.lines and len({line.key for line in order.lines}) == len(order.lines)
        assert len(order.fingerprint) == 16
        for line in order.lines:
            assert line.qty > 0 and line.unit_price_minor >= 0 and line.sku
            left[order.number, line.key] = line.qty
    assert len({order.number for order in staged.orders}) == len(staged.orders)
    assert len({(cancel.number, cancel.key) for cancel in staged.cancels}) == len(staged.cancels)
    for cancel in staged.cancels:
        assert cancel.qty > 0
        if (cancel.order, cancel.line) in left:
            left[cancel.order, cancel.line] -= cancel.qty
    assert min(left.values(), default=0) >= 0
    return staged
