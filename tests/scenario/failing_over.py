"""Two networks that really fail: sandboxes as processes, a network file that hands over to both, and the service in between."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.sandbox.running import Running as Sandbox
from tests.sandbox.running import amazon, sandbox

SKUS = {"MUG": ("AMZ", "BOB"), "TEE": ("AMZ", "BOB"), "LAMP": ("AMZ",), "RUG": ("BOB",)}
"""Which node has which article: LAMP cannot leave Amazon, RUG was never there."""
UNITS = 20_000
WEEK_MIN = 7 * 1440
HOOK_KEY = "sandbox-hook-key-1"
LOCATION = "211"

NETWORK = """
[party]
code = "acme"
currency = "USD"
sku_file = "skus.csv"
stock_file = "stock.csv"

[[network]]
code = "amazon"
operator = "Amazon"
competitor = true

[[network]]
code = "bob"
operator = "Bob"

[[node]]
code = "AMZ"
network = "amazon"
zip = "08817"
state = "NJ"
zone = "America/New_York"
card = "amazon"
connection = "mcf"

[[node]]
code = "BOB"
network = "bob"
zip = "41042"
state = "KY"
zone = "America/New_York"
card = "bob"
connection = "bob"
location = "211"

[[channel]]
code = "web"

[[cap]]
network = "amazon"
share = 60
window = 1000

[policy]
promise_working_days = 5
prices = "off"

[card.amazon]
base = "mcf_us_standard"
discount_pct = 60

[card.bob]
base = "usps_ground_advantage"
order_fee = 2.50

[connection.mcf]
kind = "amazon_mcf"
hold_release = {hold}
hold_min = {week}
release_min = {release_min}
poll_s = 5
stock_poll_s = 30
timeout_ms = 800
drift_limit = 1000

[connection.mcf.settings]
endpoint = "{amazon}"
auth_endpoint = "{amazon}"
marketplace = "{marketplace}"

[connection.mcf.secrets]
refresh_token = "file:{home}/refresh_token"
client_id = "file:{home}/client_id"
client_secret = "file:{home}/client_secret"
notifications = "file:{home}/hook_key"

[connection.bob]
kind = "shipbob"
hold_min = {week}
release_min = {week}
poll_s = 5
stock_poll_s = 30
timeout_ms = 800
drift_limit = 1000

[connection.bob.settings]
endpoint = "{bob}"
channel_id = {channel}
page_size = 250

[connection.bob.secrets]
token = "file:{home}/token"
webhook = "file:{home}/webhook"

[health]
window_s = 20
min_calls = 3
open_s = 2
open_most_s = 4
probes = 2
probe_s = 1
step_s = 5
"""


class Networks(NamedTuple):
    """Both stand-ins."""

    amazon: Sandbox
    bob: Sandbox

    def reports(self) -> dict[str, Any]:
        """The ground truth of each, by the code of its connection."""
        return {"mcf": self.amazon.report(), "bob": self.bob.report()}

    def heal(self) -> None:
        """No fault any more."""
        self.amazon.heal()
        self.bob.heal()

    def advance(self, seconds: float) -> None:
        """Let time pass there."""
        self.amazon.advance(seconds)
        self.bob.advance(seconds)


@contextmanager
def networks(*arguments: str, seed: int = 0, clock: str = "") -> Iterator[Networks]:
    """Both sandboxes until the block ends; orders there leave half a minute after they may (the clock's, where it stands still)."""
    common = ["--seed", str(seed), "--processing-s", "20", "--shipping-s", "3", "--delivery-s", "30000", *arguments]
    here = [f"--sku={sku}={UNITS}" for sku, nodes in SKUS.items() if "AMZ" in nodes]
    there = [f"--sku={sku}={UNITS}" for sku, nodes in SKUS.items() if "BOB" in nodes]
    with (
        amazon(*common, *here, "--planning-s", "1", "--async-s", "0.2", "--token-s", "100000000", clock=clock) as first,
        sandbox("shipbob", *common, *there, "--locations", LOCATION, clock=clock) as second,
    ):
        yield Networks(first, second)


def write_network(home: Path, there: Networks, *, release_min: int = WEEK_MIN, hold: bool = True) -> Path:
    """The network file, written anew; all that is placed is due to be handed over at once, and released where `release_min` says."""
    home.mkdir(parents=True, exist_ok=True)
    for name in ("refresh_token", "client_id", "client_secret"):
        (home / name).write_text(there.amazon.info[name])
    (home / "token").write_text(there.bob.info["token"])
    (home / "hook_key").write_text(HOOK_KEY)
    if not (home / "webhook").exists():
        (home / "webhook").write_text("whsec_bm90IHlldCBzdWJzY3JpYmVk")
    rows = "".join(f"{sku},{300 + 100 * i},20.00\n" for i, sku in enumerate(SKUS))
    (home / "skus.csv").write_text("sku,weight_g,value\n" + rows)
    stock = "".join(f"{node},{sku},{UNITS}\n" for sku, nodes in SKUS.items() for node in nodes)
    (home / "stock.csv").write_text("node,sku,qty\n" + stock)
    path = home / "tranship.toml"
    path.write_text(
        NETWORK.format(
            home=home, amazon=there.amazon.url, bob=there.bob.url, channel=there.bob.info["channel_id"], week=WEEK_MIN,
            marketplace=there.amazon.info["marketplace_id"], release_min=release_min, hold=str(hold).lower(),
        )
    )  # fmt: skip
    return path


def an_order(number: str, chance: random.Random, skus: Sequence[str] = tuple(SKUS)) -> dict[str, Any]:
    """One to three lines for somebody who does not exist."""
    skus = chance.sample(skus, chance.choice((1, 1, 2, 3)))
    return {
        "number": number,
        "to": chance.choice(({"zip": "60614", "state": "IL"}, {"zip": "10001", "state": "NY"})),
        "lines": [{"sku": sku, "qty": chance.randint(1, 3), "unit_price_minor": 1999} for sku in skus],
        "customer": {"ref": number, "name": "Ann Example", "street": "1 Example Road", "city": "Springfield"},
    }


def brownout(there: Networks, chance: random.Random) -> None:
    """Amazon answers slowly, loses replies, and carries out late what it seemed to lose, some of it an hour late."""
    seed = chance.randrange(1 << 30)
    for op in ("create", "release", "cancel"):
        there.amazon.fault(op=op, kind="lost_reply", p=0.3, seed=seed)
        there.amazon.fault(op=op, kind="delayed", p=0.25, ms=chance.randint(500, 9_000), seed=seed)
        there.amazon.fault(op=op, kind="delayed", p=0.1, ms=3_600_000, reply="hang", seed=seed + 1)
    there.amazon.fault(op="get", kind="5xx", p=0.2, seed=seed)
    there.amazon.fault(op="*", kind="latency", p=0.3, ms=200, seed=seed)
    there.bob.fault(op="create", kind="lost_reply", times=1)


def blackout(there: Networks, chance: random.Random) -> None:
    """Amazon answers nothing; what was sent to it may still be carried out."""
    seed = chance.randrange(1 << 30)
    for op in ("create", "release", "cancel"):
        there.amazon.fault(op=op, kind="delayed", p=0.4, ms=chance.randint(500, 9_000), reply="hang", seed=seed)
        there.amazon.fault(op=op, kind="5xx", p=0.5, seed=seed, when=chance.choice(("before", "after")))
    there.amazon.fault(op="*", kind="hang", p=0.3, seed=seed)
    there.amazon.fault(op="*", kind="5xx", seed=seed)
