"""A small sound network file that tests change one thing in, with its SKU and stock files."""

from pathlib import Path

from tranship.connectors.netfile import Finding, check

SMALL = """\
[party]
code = "acme"
sku_file = "skus.csv"
stock_file = "stock.csv"
peak_per_day = 1000

[[network]]
code = "big"
operator = "Big Inc"
competitor = true

[[network]]
code = "own"

[[node]]
code = "BIG-1"
network = "big"
zip = "08817"
zone = "America/New_York"
card = "mcf_us_standard"
capacity_per_day = 1000
depends_on = ["carrier:big", "region:nj"]

[[node]]
code = "OWN-1"
network = "own"
zip = "37066"
state = "TN"
zone = "America/Chicago"
card = "post"
capacity_per_day = 400
cutoff = "16:30"
hazmat = true

[[channel]]
code = "web"

[[channel]]
code = "market"
on_platform_for = ["big"]

[[cap]]
network = "big"
share = 60

[policy]
prefer = ["own"]

[card.post]
base = "usps_ground_advantage"
order_fee = 1.50

[source.shop]
format = "csv"
channel = "web"
"""
SKUS = """\
sku,weight_lb,length_in,width_in,height_in,value,fragile,hazmat,sensitivity,parts,nodes,code:big
MUG,0.8,5,4,4,14.50,yes,no,normal,,,MUG-BIG
SPOON,0.1,,,,2,,,,,,
SET,,,,,,,,,MUG:2;SPOON:4,,
GLUE,1,,,,9.999,no,yes,,,OWN-1,
"""
STOCK = """\
node,sku,qty
BIG-1,MUG,60
OWN-1,MUG,40
OWN-1,SPOON,500
OWN-1,GLUE,7
"""


def write(folder: Path, text: str = SMALL, *, skus: str | bytes = SKUS, stock: str | bytes = STOCK) -> Path:
    """The three files in a folder; the path of the network file."""
    for name, content in (("tranship.toml", text), ("skus.csv", skus), ("stock.csv", stock)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / "tranship.toml"


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """The text with the first place of each `old` replaced by its `new`."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def found(path: Path, rule: str, on: list[tuple[int, int]] | None = None) -> list[Finding]:
    """What `check` says under one rule."""
    return [finding for finding in check(path, on) if finding.rule == rule]
