"""Features of 2020-07-01: a short fixed list, as the vendor's own sandbox has it."""

from tranship.sandbox.common.limits import Limit
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

FEATURES = {"BLANK_BOX": "Packages without Amazon's branding", "BLOCK_AMZL": "Packages by other carriers only"}


def operations(root: str, file: str, limit: Limit) -> tuple[Operation, ...]:
    """The three readings."""
    path = f"{root}/features"
    return (
        Operation("features", "getFeatures", "GET", path, _all, limit, file),
        Operation(
            "features", "getFeatureInventory", "GET", f"{path}/inventory/{{featureName}}", _inventory, limit, file
        ),
        Operation(
            "features", "getFeatureSKU", "GET", f"{path}/inventory/{{featureName}}/{{sellerSku}}", _sku, limit, file
        ),
    )


def _all(call: Call) -> Reply:  # noqa: ARG001 - every handler takes the call
    features = [
        {"featureName": name, "featureDescription": text, "sellerEligible": True} for name, text in FEATURES.items()
    ]
    return Reply(200, {"payload": {"features": features}})


def _inventory(call: Call) -> Reply:
    feature = _feature(call)
    found = {"marketplaceId": call.one("marketplaceId"), "featureName": feature, "featureSkus": []}
    return Reply(200, {"payload": found})


def _sku(call: Call) -> Reply:
    found = {
        "marketplaceId": call.one("marketplaceId"),
        "featureName": _feature(call),
        "isEligible": True,
        "ineligibleReasons": [],
        "sellerSku": call.path["sellerSku"],
    }
    return Reply(200, {"payload": found})


def _feature(call: Call) -> str:
    name = call.path["featureName"]
    if name not in FEATURES:
        raise Refusal(404, "NotFound", "The feature was not found.")
    return name
