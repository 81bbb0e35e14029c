"""What may be said of which leaf, whatever a policy file says: a rule that makes no sense for its leaf does not load.

A leaf that leaves belongs to the first class whose pattern fits its name. One that nobody thought of here may hold one of a few listed
words, or nothing.
"""

import re
from typing import NamedTuple

NEVER = ("drop", "refuse")


class Class(NamedTuple):
    """A class of leaves: what the name looks like (the end of a leaf's path), and the rules that it may have.

    `when`: rules that need a setting of the policy: name of the setting -> rules. A rule ending in `*` allows all that begin so.
    """

    name: str
    leaf: str
    rules: tuple[str, ...]
    why: str
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kinds: tuple[str, ...] = ()  # only in these policies; empty: in all


_COD = (("cod", ("pass(decimal)", "pass(currency)", "pass(bool)")),)
_DECLARED = (("declared_value", ("pass(decimal)", "pass(currency)")),)
_ADDRESS = r"(?:\w*[Aa]ddress|recipient|to)"

CLASSES = (
    Class("cash on delivery", r"codSettings\.isCodRequired", ("refuse", "drop", "pass(false)", "constant(false)"),
          "reveals the price", _COD),
    Class("cash on delivery", r"includeCODFulfillmentPreview|includePaymentOnDelivery",
          ("drop", "refuse", "pass(false)", "constant(false)"), "tells that it will be one", _COD),
    Class("cash on delivery", r"codSettings\..*|.*perUnitServicePrice\..*", NEVER, "reveals the price", _COD),
    Class("price", r"(?:.*\.)?(?:perUnitPrice|perUnitTax)\..*", NEVER, "reveals the price", _COD),
    Class("declared value", r"(?:.*\.)?perUnitDeclaredValue\..*", NEVER, "reveals the value; customs must be true", _DECLARED),
    Class("payment", r"(?:.*\.)?paymentTransactionId|(?:.*\.)?paymentId", ("refuse", "drop", "token(payment)"),
          "joins orders with a payment provider's"),
    Class("payment", r"paymentInformation\..*|paymentInformation\[\].*", NEVER, "reveals how people pay"),
    Class("price", r"(?:.*\.)?(?:financials\..*|unit_price|insurance_value|total_price)", NEVER, "reveals the price"),
    Class("third party", r"retailer_program_data\..*", NEVER, "names a retailer and its stores"),
    Class("a place's answer", r"excludeEstimatedFees", ("drop", "refuse", "pass(bool)"), "asks for fees or not"),
    Class("network's address", r"(?:x-amzn-fulfillment-service-id|ipAddress|(?:.*\.)ipAddress)", NEVER, "identifies the sender"),
    Class("recipient's name", rf"(?:.*\.)?{_ADDRESS}\.(?:name|full_name)", ("token(name)", "pass(name)", "refuse", 'constant("Recipient")'),
          "a person"),
    Class("phone", r"(?:.*[._])?(?:phone|phone_number)", ("drop", "refuse", "relay(phone)"), "reaches the person"),
    Class("e-mail", r"(?:.*[._])?email|notificationEmails\[\]", ("drop", "refuse", "relay(email)"), "reaches the person"),
    Class("company", r"(?:.*[._])?company_name", ("drop", "refuse", "pass(name)"), "a name beside the name"),
    Class("fixed text", r"displayableOrderComment", ('constant("*',), "required, and printed"),
    Class("free text", r"(?:.*[._\]])?(?:displayableComment|giftMessage|gift_message|returnComment|deliveryNotes|deliveryInstructions"
          r"|description|channel|sales_channel|tags\[\]\.(?:name|value)|templateName|productName)",
          ("drop", "refuse", 'constant("*'), "free text"),
    Class("third party", r"(?:.*\.)?attributes\.\{\}|(?:.*\.)?(?:templateAttributes|additional)\.\{\}|(?:.*\.)services\.delivery", NEVER,
          "names of neighbors and recipients, or anything"),
    Class("proof of delivery", r"tracking\..*", NEVER, "told by networks, not to them"),
    Class("number of the network's", r"orderId|id", ("pass(int:*", "refuse"), "the network's own number", kinds=("shipbob",)),
    Class("order", r"(?:.*\.)?(?:sellerFulfillmentOrderId|displayableOrderId|orderId|reference_id|remote_id|ReferenceIds)"
          r"(?<!products\[\]\.reference_id)", ("token(order)", "refuse"), "a shop's number counts its orders"),
    Class("order", r"(?:order_number|StoreOrderIds)", ("drop", "refuse", "token(order)"), "a shop's number counts its orders"),
    Class("return", r"(?:.*\.)?sellerReturnItemId", ("token(text)", "refuse"), "a shop's number counts its returns"),
    Class("line", r"(?:.*\.)?(?:sellerFulfillmentOrderItemId|lineItemId|lines\[\]\.line|external_line_id)",
          ("token(line)", "ordinal", "ordinal(text)", "refuse"), "a shop's line number counts its orders"),
    Class("SKU", r"(?:.*\.)?(?:sellerSku|merchantSku|amazonSku|sku)|(?:.*\.)?products\[\]\.reference_id|(?:.*\.)?products\[\]\.name"
          r"|sellerSkus\[\]", ("pass(sku)", "token(sku)", "drop", "refuse"), "an alias only where it is registered there"),
    Class("the network's number of an article", r"(?:.*\.)?(?:fulfillmentNetworkSku|gtin|upc|barcode|products\[\]\.(?:id|sku))", NEVER,
          "redundant beside the SKU"),
    Class("what the network told", r"(?:.*\.)?(?:nextToken|pageToken|amazonShipmentId|packageId|returnReasonCode|SearchBy|reportId"
          r"|reportDocumentId)",
          ("reveal(text)", "reveal(shipment)", "drop", "refuse"), "only what the network itself told goes back"),
    Class("moment", r"displayableOrderDate", ("generalize(day)", "refuse"), "a moment joins orders with other records"),
    Class("moment", r"purchase_date", ("drop", "refuse", "generalize(day)"), "a moment joins orders with other records"),
    Class("window", r"(?:.*\.)?(?:deliveryWindow\.(?:startDate|endDate)|deliveryInterval\.(?:startTime|endTime)|deliveryTime)",
          ("pass(minute)", "drop", "refuse"), "wanted for scheduled delivery"),
    Class("day", r"ship_by|deliver_by", ("pass(date)", "drop", "refuse"), "the promise"),
    Class("since when", r"queryStartDate|updatedAfter|startDateTime|(?:Last\w+|Start|End|Insert\w+|Completed\w+)Date"
          r"|data(?:Start|End)Time|created(?:Since|Until)",
          ("pass(datetime)", "drop", "refuse"), "asks for changes"),
    Class("address", rf"(?:.*\.)?{_ADDRESS}\.(?:addressLine[123]|address[12]|line[12])", ("pass(line)", "drop", "refuse"),
          "the parcel goes there"),
    Class("address", rf"(?:.*\.)?{_ADDRESS}\.(?:city|districtOrCounty)", ("pass(city)", "pass(line)", "drop", "refuse"),
          "the parcel goes there"),
    Class("address", rf"(?:.*\.)?{_ADDRESS}\.(?:stateOrRegion|state)", ("pass(region)", "drop", "refuse"), "the parcel goes there"),
    Class("address", rf"(?:.*\.)?{_ADDRESS}\.(?:postalCode|zip_code|postal_code)", ("pass(postal)", "drop", "refuse"),
          "the parcel goes there"),
    Class("country", r"(?:.*\.)?(?:countryCode|country|shipFromCountryCode)", ("pass(country)", "refuse"), "the parcel goes there"),
    Class("marketplace", r"(?:.*\.)?(?:marketplaceId|marketplaceIds\[\]|granularityId)", ("pass(marketplace)", "refuse"),
          "routes the order"),
    Class("units", r"(?:.*\.)?(?:quantity|amount\.value|packageNumber)", ("pass(int:*", "pass(units)", "refuse"), "needed, as a number"),
    Class("number of the network's", r"(?:.*\.)?(?:location_id|orderId|shipmentId|shipbob_channel_id|original_shipment_id|(?:inventory\[\]"
          r"|fulfillment_center)\.id|their_id)", ("pass(int:*", "drop", "refuse"), "the network's own number"),
    Class("page", r"[Pp]ageSize|Page|Limit|RecordsPerPage|Cursor", ("pass(int:*", "drop", "refuse"), "how many at once"),
    Class("place", r"location", ("pass(place)", "drop", "refuse"), "the network's own id"),
    Class("shipping method", r"shipping_method|shipping_methods\[\]", ("pass(method)", "pass(enum:*", "refuse"), "as on the account's map"),
    Class("language", r"language", ("pass(language)", "drop", "refuse"), "of a list of reasons"),
    Class("flag", r"details|includeDeliveryWindows|IsDigital|IsActive|HasTracking|enableContentEncodingUrlHeader",
          ("pass(bool)", "pass(enum:*", "drop", "refuse"),
          "asks for more or less"),
    Class("content type", r"content-type|accept", ('constant("application/json")', "drop", "refuse"), "of a message"),
    Class("words", r".*", ("pass(enum:*", "pass(list:*", "drop", "refuse", "constant(*"), "one of the network's words"),
)  # fmt: skip
_COMPILED = tuple((re.compile(one.leaf), one) for one in CLASSES)


def class_of(leaf: str, kind: str) -> Class:
    """The class of a leaf that leaves under the policy of a kind."""
    return next(one for pattern, one in _COMPILED if (not one.kinds or kind in one.kinds) and pattern.fullmatch(leaf))


def objection(leaf: str, rule: str, kind: str, settings: frozenset[str]) -> str:
    """Why a leaf may not have this rule; empty where it may. `settings`: the policy's settings that are on."""
    found = class_of(leaf, kind)
    if _fits(rule, found.rules):
        return ""
    for setting, rules in found.when:
        if _fits(rule, rules):
            return "" if setting in settings else f"may be {rule} only with the setting {setting} = true ({found.why})"
    return f"is a {found.name} leaf ({found.why}): {rule} is none of {', '.join(_told(found))}"


def _told(found: Class) -> list[str]:
    return [*found.rules, *(f"{rule} with {setting} = true" for setting, rules in found.when for rule in rules)]


def _fits(rule: str, rules: tuple[str, ...]) -> bool:
    return any(rule == one or (one.endswith("*") and rule.startswith(one[:-1])) for one in rules)
