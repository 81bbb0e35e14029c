"""Words for what the books call by a short name: one place, so that page, terminal and JSON say the same."""

from tranship.routing.model import Reason

WAIT_WORDS = {
    "no_stock": "no node that may ship them had them",
    "node_shut": "the nodes that have them are closed or full",
    "no_node": "no node may ship them there",
    "cap": "the share cap had no room, and the independent side could not fill them",
    "larger_than_window": "larger than the cap's window ever allows",
    "leak": "kept off by the leak budget, and nobody else could fill them",
    "max_parts": "the order would have become more fulfillment orders than the policy allows",
    "no_split": "no single node had them all, and the policy does not split",
    "bundle": "a part of the bundle was missing",
}
"""Why units waited."""

REJECT_WORDS = {
    "not_goods": "a fee, an adjustment, a test or a voucher, not goods",
    "adjustment": "books a correction, orders nothing",
    "unmatched": "a cancellation that finds no earlier line with units left",
    "cancel_positive": "a cancelling invoice with a quantity above zero",
    "no_restock": "a refund of money only",
    "test_order": "a test order of the shop",
    "negative_price": "a price below zero",
    "bad_price": "no amount",
    "bad_quantity": "not a whole number of units, or above the limit",
    "bad_time": "a time that cannot be read",
    "no_document": "no usable order number",
    "no_sku": "no usable article code",
    "no_lines": "an order without lines",
    "duplicate_line": "the same line key twice in one order",
    "duplicate_order": "the same order twice in one file",
    "fields": "another number of fields than the header has",
    "bad_quote": "a quote that is not closed",
    "refused": "its order could not be taken; the detail says why",
    "changed_order": "came again with other content; the first stands",
}
"""Why lines were rejected (docs/intake.md has all reasons)."""

EXCEPTION_WORDS = {
    "expired": "parked units whose promise passed",
    "cancel_beyond": "taken back: more than was ever placed or is still out",
    "cancel_unknown": "taken back: no such order or line",
    "changed_order": "an order came again with other content",
    "cap_breach": "placed over the share cap, as the policy says",
    "late": "will miss its promise",
    "breaker_opened": "a network was given up for a while",
    "quarantine": "nobody could prove whether it ships: a person decides",
    "double_ship": "left twice",
    "double_ship_risk": "may leave twice",
    "released_by_itself": "on hold, and worked on all the same",
    "came_late": "a network spoke of what it had confirmed as dead",
    "vanished": "a network no longer knows what it had",
    "short": "left with fewer units than were handed over",
    "cancel_too_late": "left before it could be called back",
    "drift": "a count far from the books: closed there",
    "foreign_id": "a network spoke of what nobody sent there",
    "violation": "a network broke its own rules",
    "unknown_state": "a network used a word that is not known",
    "unauthorized": "a network refused our credentials",
    "not_sendable": "may not be told to a network as it is, and nobody else can ship it",
    "vault_down": "the vault could not be asked: nothing left meanwhile",
    "foreign_token": "a network spoke of an order under an alias that is not its own",
    "dead_letter": "cannot be handed over",
    "stalled": "accepted by a network and not moved",
    "adopted": "a counted surplus was booked",
}
"""Kinds of exceptions."""

WITHOUT_WORDS = {
    Reason.OK: "could have shipped, another way was cheaper",
    Reason.CAP: "kept out by the cap",
    Reason.LEAK: "kept off by the leak budget",
    Reason.LATE: "would have arrived after the promise",
    Reason.TIER: "a preferred node filled it",
    Reason.FULL: "no capacity left",
    Reason.STOCK: "had none of these goods",
    Reason.ITEM: "may not ship it",
}
"""What kept a capped network out of a decision."""

MEASURE_WORDS = {"fulfillment_orders": "fulfillment orders", "units": "units", "value": "value"}
"""What a cap counts."""

ARM_WORDS = {"none": "no cap", "counter": "bare counter", "as_run": "this run", "run": "this run"}
"""Names of the arms of a comparison."""
