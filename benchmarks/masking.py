"""What masking costs a message: processor microseconds of one core, best of several runs.

    python -m benchmarks.masking [--json] [--runs 7] [--count 2000]

The message is createFulfillmentOrder (2020-07-01) of 1.1 KB with two lines; tokens are in memory, so the vault's own price is not in it
(`benchmarks.vault`). `parse`: what Python's JSON reader alone takes, on the same bytes in the same run.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

from benchmarks.machine import describe
from tranship.masking.message import Message, mask
from tranship.masking.policy import check, load
from tranship.masking.tokens_memory import MemoryTokens
from tranship.masking.unmask import unmask

DAY = 20_779
LINE = {
    "quantity": 2,
    "giftMessage": "Happy birthday",
    "displayableComment": "blue",
    "perUnitDeclaredValue": {"currencyCode": "USD", "value": "12.50"},
}
ORDER = {
    "marketplaceId": "ATVPDKIKX0DER", "sellerFulfillmentOrderId": "SHOP-100123", "displayableOrderId": "SHOP-100123",
    "displayableOrderDate": "2026-11-22T08:15:30Z", "displayableOrderComment": "Thank you for being a customer since 2019!",
    "shippingSpeedCategory": "Standard",
    "destinationAddress": {
        "name": "Ada Byron", "addressLine1": "12 Oak Street", "addressLine2": "Apt 5", "city": "Seattle", "stateOrRegion": "WA",
        "postalCode": "98101", "countryCode": "US", "phone": "+1 415 555 0142",
    },
    "fulfillmentAction": "Ship", "fulfillmentPolicy": "FillAllAvailable", "shipFromCountryCode": "US",
    "notificationEmails": ["ada@post.example"],
    "featureConstraints": [{"featureName": "BLANK_BOX", "featureFulfillmentPolicy": "Required"}],
    "items": [{"sellerSku": "MUG-1", "sellerFulfillmentOrderItemId": "8812001", **LINE},
              {"sellerSku": "CUP-2", "sellerFulfillmentOrderItemId": "8812002", **LINE}],
}  # fmt: skip


def best_us(action: Callable[[], object], runs: int, count: int) -> float:
    """Processor microseconds of one call, of the best of so many runs."""
    found = []
    for _ in range(runs):
        began = time.process_time()
        for _ in range(count):
            action()
        found.append((time.process_time() - began) / count * 1e6)
    return round(min(found), 1)


def measured(runs: int, count: int) -> dict[str, float]:
    """All figures."""
    policy, tokens, raw = load("amazon_mcf_2020"), MemoryTokens(), json.dumps(ORDER).encode()
    message = Message(raw)
    sent = mask(message, "createFulfillmentOrder", policy, tokens, now_day=DAY)
    told = json.loads(sent.body)
    head = {key: value for key, value in told.items() if key not in {"items", "shipFromCountryCode"}}
    answer = json.dumps({"payload": {"fulfillmentOrder": head, "fulfillmentOrderItems": told["items"]}}).encode()
    create = "createFulfillmentOrder"
    return {
        "message_bytes": len(raw),
        "parse_us": best_us(lambda: json.loads(raw), runs, count),
        "mask_known_us": best_us(lambda: mask(message, create, policy, tokens, now_day=DAY), runs, count),
        "mask_new_us": best_us(lambda: mask(message, create, policy, MemoryTokens(), now_day=DAY), runs, count),
        "unmask_us": best_us(
            lambda: unmask(answer, "getFulfillmentOrder", policy, tokens, subject=sent.subject), runs, count
        ),
        "check_us": best_us(lambda: check("amazon_mcf_2020", "create", sent.body), runs, count),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--count", type=int, default=2_000)
    given = parser.parse_args(arguments)
    found = measured(given.runs, given.count)
    if given.json:
        print(json.dumps({"machine": describe(), **found}))
        return 0
    for name, value in found.items():
        print(f"{name:>14} {value:10.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
