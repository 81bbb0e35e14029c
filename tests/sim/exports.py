"""A small export like UCI's: some weeks of invoices with cancellations, fees, guests, restarts and lines that are no orders."""

import random
from pathlib import Path

from tests.connectors.files.factory import UCI_HEADER, uci_row
from tranship.connectors.netfile import template

SKUS = tuple(f"8{n:04d}" for n in range(30))


def uci_rows(orders: int = 120, seed: int = 7) -> list[str]:
    """Rows of about two weeks in time order, an invoice now and then cut in two by another one."""
    chance = random.Random(seed)
    rows: list[str] = []
    sold: list[tuple[str, str, int]] = []
    for n in range(orders):
        minute = n * 9 * 60 // 8
        when = f"2010-03-{1 + minute // 600:02d} {8 + minute % 600 // 60:02d}:{minute % 60:02d}"
        customer = "" if n % 11 == 0 else str(13000 + n % 23)
        invoice = []
        for _ in range(chance.choice((1, 1, 2, 3, 6, 14))):
            sku, quantity = chance.choice(SKUS), chance.choice((1, 1, 2, 4, 6, 12, 24))
            invoice.append(
                uci_row(str(500000 + n), sku, quantity, when, f"{chance.randint(0, 900) / 100:.2f}", customer)
            )
            sold.append((customer, sku, quantity))
        if n % 7 == 3:
            invoice.append(uci_row(str(500000 + n), "POST", 1, when, "4.95", customer))
        if n % 17 == 5 and rows:  # the invoice goes on after a line of another one
            invoice.insert(1, rows.pop())
        rows += invoice
        if n % 9 == 8:
            who, sku, quantity = sold[-chance.randint(2, 12)]
            rows.append(uci_row(f"C{500000 + n}", sku, -max(1, quantity // 2), when, "1.00", who))
    rows.append(uci_row("A599999", "B", 1, "2010-03-14 10:00", "11.62"))
    rows.append(uci_row("599998", SKUS[0], -7, "2010-03-14 10:05", "0"))
    return rows


def save(folder: Path, rows: list[str], name: str = "uci.csv") -> Path:
    """The rows as a file of their own."""
    path = folder / name
    path.write_text("\n".join((UCI_HEADER, *rows)) + "\n")
    return path


def network_file(folder: Path, **replaced: str) -> Path:
    """The example that `tranship init` writes, with pieces of its text replaced."""
    text = template()
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "tranship.toml"
    path.write_text(text)
    return path
