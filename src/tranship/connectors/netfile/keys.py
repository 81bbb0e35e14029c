"""Every key that a network file may have. Reading, checking and the reference page use this list.

Defaults that are not written here are the model's own (`tranship.core.network`), so the page, the reader and the model cannot differ.
"""

from tranship.connectors.netfile.keys_live import ALERTS, CONNECTION, CONTACT, HEALTH
from tranship.connectors.netfile.schema import REQUIRED, Key, Table
from tranship.core.network import Channel, LeakBudget, Network, Node, Policy, Promise, ShareCap
from tranship.routing.promise import WEEKDAYS

# A table of keys reads best with one key a line, wider than code.
# fmt: off

PARTY = Table(
    "party",
    "one",
    "Whose file this is.",
    (
        Key("code", "code", "Short name of the brand; part of every id.", REQUIRED),
        Key("currency", "currency", "Currency of every price in this file (ISO 4217).", "USD"),
        Key("sku_file", "path", "CSV of the articles, relative to this file. Without it, articles come from the orders.", ""),
        Key("stock_file", "path", "CSV of opening balances, relative to this file.", ""),
        Key("peak_per_day", "int", "Units ordered on the busiest day, for the capacity check; 0: not said.", 0, high=10**9),
    ),
)
NETWORK = Table(
    "network",
    "many",
    "An operator of nodes: Amazon, a 3PL, yourself.",
    (
        Key("code", "code", "Short name; nodes, channels and caps refer to it.", REQUIRED),
        Key("operator", "text", "The company behind it; empty: the code. Two networks with one operator are not independent."),
        Key("carrier", "text", "Who moves its parcels, where that is someone else: a network's code (caps may count it), or a name."),
        Key("competitor", "bool", "Sells against you: sensitive articles never go there."),
        Key("max_lines", "int", "Most lines in one fulfillment order; 0: no limit.", high=100_000),
        Key("max_units", "int", "Most units in one fulfillment order; 0: no limit.", high=10**7),
    ),
    Network,
)
NODE = Table(
    "node",
    "many",
    "A place that holds stock and ships.",
    (
        Key("code", "code", "Short name; stock files and SKU files refer to it.", REQUIRED),
        Key("network", "code", "The network that runs it.", REQUIRED, refers="network"),
        Key("zip", "zip", 'ZIP code parcels leave from, quoted ("08817"); shipping zones are computed from it.', REQUIRED),
        Key("zone", "zone", "IANA time zone; the cut-off and the capacity day are local to it.", REQUIRED),
        Key("card", "code", "Rate card that prices its shipments: NAME of a [card.NAME], or a packaged card.", REQUIRED, refers="card"),
        Key("state", "state", "Two-letter state."),
        Key("country", "country", "Two-letter country."),
        Key("capacity_per_day", "int", "Units it ships on a working day; more wait for the next. 0: no limit.",
            field="capacity_units", high=10**9),
        Key("cutoff", "time", "Orders after this local time ship the next working day.", field="cutoff_min"),
        Key("handling_days", "int", "Working days between the cut-off and the hand-over to the carrier.", high=30),
        Key("services", "words", "Services it ships with."),
        Key("countries", "countries", "Countries it ships to."),
        Key("hazmat", "bool", "May store and ship hazardous goods."),
        Key("fragile", "bool", "May store and ship fragile goods."),
        Key("depends_on", "words", 'What it stands or falls with, as kind:name ("carrier:ups", "building:EDI-2", "region:nj").'),
        Key("weekend", "choices", "Days of the week on which it does not ship.", words=WEEKDAYS),
        Key("holidays", "dates", "Local dates on which it does not ship; its cut-off and its capacity pass over them."),
        Key("closed", "bool", "Takes no new orders."),
        Key("connection", "code", "Connection that its orders are handed over by; empty: none, shipping is projected at the cut-off.",
            refers="connection"),
        Key("location", "text", "The network's own id of this node, where its interface asks for one."),
    ),
    Node,
)
CHANNEL = Table(
    "channel",
    "many",
    "Where orders come from.",
    (
        Key("code", "code", "Short name; an input's mapping refers to it.", REQUIRED),
        Key("on_platform_for", "words", "Networks that own this channel: their caps do not count its orders.", refers="network"),
        Key("service", "code", "Service its orders ask for where they do not say."),
        Key("promise_working_days", "int", "Working days to the door where an order does not say; 0: the policy's.", high=60),
        Key("promise", "choice", "Where an order does not say: the working days above, or the day that the node it would go to reaches "
            "with the level of [promise].", words=("fixed", "computed")),
    ),
    Channel,
)
CAP = Table(
    "cap",
    "many",
    "A hard limit on one network's share of what your off-platform channels place.",
    (
        Key("network", "code", "The network that is limited.", REQUIRED, refers="network"),
        Key("share", "percent", "Most it may have, in percent, to the hundredth: 60 is 60 %.", REQUIRED, field="cap_bp",
            high=100, instead="share_bp"),
        Key("share_bp", "int", "The same in basis points (6000 is 60 %).", REQUIRED, field="cap_bp", high=10_000, instead="share"),
        Key("window", "int", "The last this many of the measure are looked at.", low=1),
        Key("measure", "choice", "What is counted; value is in minor units (cents).", words=("fulfillment_orders", "units", "value")),
        Key("counts", "choice", "A node counts by who runs it, by who carries its parcels, or by either.",
            words=("node", "carrier", "either")),
        Key("per_channel", "bool", "Holds for each off-platform channel as well as for their total."),
        Key("on_conflict", "choice", "Where only the capped network could ship: wait, or go over and pay it back.",
            words=("park", "breach")),
        Key("reserve", "int", "Last entries of room, kept for orders that only this network can fill.", high=100_000),
        Key("bucket_rate_bp", "int", "Refill of the token bucket relative to the cap, basis points; 0: by the window.",
            low=-1000, high=1000),
        Key("bucket_burst_bp", "int", "Size of the token bucket, basis points of the window; 0: by the window.", low=0, high=10_000),
        Key("price", "money", "Swing of the price of a place (by value: of 40.00): an empty bucket adds half, a full one takes half.",
            field="price_micros", high=1000),
    ),
    ShareCap,
)
LEAK = Table(
    "leak",
    "many",
    "What one network may see of your orders, so that it learns little from them (docs/leak-routing.md).",
    (
        Key("network", "code", "The network that is to learn little.", REQUIRED, refers="network"),
        Key("budget", "int", "The one dial: 0 shows it nothing, 25 is private, 40 balanced, 60 volume, 100 is no budget.", high=100),
        Key("on_conflict", "choice", "Where nobody else can take an order that is kept off: wait, or go there all the same and be booked.",
            words=("park", "spend")),
        Key("high_value_minor", "int", "Orders worth so many minor units (cents) or more never go there; 0: no limit."),
        Key("cod", "choice", "Orders to be paid at the door: elsewhere while somebody else takes them, or like all others.",
            words=("elsewhere", "same")),
        Key("household_most", "int", "Orders of one household that it sees in a year (52 weeks), at most; 0: as the dial says.", high=16),
        Key("heavy_pct", "number", "Percent of the households that are hidden most, as best customers, 0.1 at least; 0: as the dial says.",
            high=50),
        Key("least_saving_bp", "int", "Orders on which the network saves less, in basis points of the cheapest other way, never go there; "
            "0: not looked at. Above 0, curves start a tenth higher.", high=10_000),
        Key("forecast", "path", "CSV of how your articles will grow within the year, relative to this file. Without it, growth is read "
            "from your own past orders ([leak budget](leak-budget.md#forecasts)).", ""),
    ),
    LeakBudget,
)
AFTER = ("split", "park", "backorder", "cancel")
POLICY = Table(
    "policy",
    "one",
    "How orders are routed.",
    (
        Key("promise_working_days", "int", "Working days to the door where neither order nor channel says.", low=1, high=60),
        Key("park_days", "int", "Calendar days a part may stay parked; 0: up to its promise.", high=365),
        Key("must", "words", "Rules a node must meet: `only:NAME` or `avoid:NAME` of a node or network, with `@CHANNEL` behind it "
            "for one channel."),
        Key("prefer", "words", "Tiers of nodes, best first; cost decides inside a tier: `independent` (of every cap), `same_state`, or a "
            "NAME of a node or network."),
        Key("after", "choices", "What to do, in order, when nothing fits.", words=AFTER),
        Key("max_parts", "int", "Fulfillment orders one order may become; the rest is parked.", low=1, high=100),
        Key("starts", "int", "Search starts above 8 lines; 0: by number of nodes (8, 16, 32).", high=256),
        Key("rounds", "int", "Best starts that get the pair search.", high=64),
        Key("retry_limit", "int", "Parked parts decided again by one event.", low=1, high=100_000),
        Key("prices", "choice", "Whether decisions count what stock, node days and cap room are worth to orders still to come: see "
            "[prices](prices.md).", words=("off", "on")),
        Key("prices_every_hours", "int", "Hours, by the engine's clock, from one price book to the next.", low=1, high=24 * 7),
        Key("prices_limit_s", "int", "Real seconds that a live service gives the making of a book.", low=1, high=24 * 3600),
        Key("futures", "int", "Sampled futures that a book is made from.", low=1, high=64),
        Key("redecide", "bool", "Decide orders again until they are released, and move them where that pays."),
        Key("redecide_gain_minor", "int", "Minor units (cents) that a move must save, prices included.", high=1_000_000),
        Key("redecide_limit", "int", "Orders decided again by one clock tick, the soonest to ship first.", low=1, high=1_000_000),
    ),
    Policy,
)
PROMISE = Table(
    "promise",
    "one",
    "The promise as a probability: see [promise](promise.md). Without observed transit times, planned days are taken at their word.",
    (
        Key("observed", "path", "CSV of shipments that arrived, relative to this file.", ""),
        Key("level_bp", "int", "A node is in time where it arrives by the promise with at least this probability, basis points.",
            low=1, high=9999),
        Key("late_minor", "int", "Cost of a late unit in minor units: lateness becomes a price beside cost; 0: late nodes come last.",
            high=10**7),
        Key("late_days", "int", "Computed promises: being late is as bad as a promise so many working days longer; 0: level_bp alone.",
            high=10_000),
        Key("half_life_months", "int", "A shipment this many months older than the newest weighs half; 0: all weigh the same.", high=120),
        Key("cautious", "bool", "Take the lower end of what few shipments say, not the expected share."),
    ),
    Promise,
)
CARD = Table(
    "card",
    "named",
    "A rate card: what a shipment from a node costs. Packaged cards, price tables and the rules of each key: [rates](rates.md). "
    "A node may name a packaged card without a table here.",
    (
        Key("base", "raw", "Card that this one starts from; what is written here changes it.", shape="a card here, or a packaged one"),
        Key("type", "raw", "How it prices: each unit (by size and number), or each parcel (by zone and weight).",
            shape="per_unit, parcel"),
        Key("table", "raw", "The price table.", shape="a packaged table, or rows"),
        Key("order_fee", "raw", "Fee for each fulfillment order.", shape="amount in whole cents"),
        Key("unit_fee", "raw", "Fee for each unit.", shape="amount in whole cents"),
        Key("discount_pct", "raw", "Off the table's prices.", shape="percent, -100 to 95"),
        Key("fuel_pct", "raw", "On top of the discounted price.", shape="percent, 0 to 100"),
        Key("surcharges", "raw", "Extra charges, some of them for a time.", shape="names of packaged sets, or tables"),
        Key("peak", "raw", "Peak surcharges: the same, kept apart for reading.", shape="tables"),
        Key("transit", "raw", "Working days on the road by service and zone.", shape="service = nine numbers"),
        Key("versions", "raw", "Changes of the keys of this table from a date on.", shape="tables with effective"),
        Key("units_counted", "raw", "per_unit: the number of units is that of the part, or of the whole order.", shape="part, order"),
        Key("size_tiers", "raw", "per_unit: how units are put into size tiers, for rows of your own.", shape="a packaged scheme"),
        Key("carton_fee", "raw", "parcel: fee for each carton.", shape="amount in whole cents"),
        Key("residential_fee", "raw", "parcel: for each carton to a home.", shape="amount in whole cents"),
        Key("max_carton_lb", "raw", "parcel: heaviest carton; more weight takes more cartons.", shape="pounds, 1 to 150"),
        Key("max_length_girth_in", "raw", "parcel: longest length plus girth of an article; 0: no limit.", shape="inches"),
        Key("dim_divisor", "raw", "parcel: dim weight is volume over this.", shape="cubic inches a pound"),
        Key("dim_over_in3", "raw", "parcel: dim weight counts above this volume.", shape="cubic inches"),
    ),
    as_written=True,
)
SOURCE = Table(
    "source",
    "named",
    "How to read an input file whose header, zone or currency is not the documented one: see [intake](intake.md).",
    (
        Key("preset", "raw", "A built-in mapping that this one starts from.", shape="superstore"),
        Key("match", "raw", "File names that this table is for.", shape="a pattern, as in `orders-*.csv`"),
        Key("source", "raw", "Name of the source, part of every order's key; else the NAME of this table.", shape="text"),
        Key("format", "raw", "What the file is; else told from its header.", shape="uci, csv, shopify_csv, shopify_json, jsonl"),
        Key("zone", "raw", "Time zone of times that have none.", shape="IANA time zone"),
        Key("time_format", "raw", "How times are written, where it is not ISO.", shape="strptime pattern, or a list"),
        Key("date_only_at", "raw", "Time of day of orders that have a date only.", shape="HH:MM"),
        Key("currency", "raw", "Currency of its prices; else the party's.", shape="three capital letters"),
        Key("rate", "number", "What one unit of that currency is worth in the party's.", low=0.000001, high=1_000_000),
        Key("country", "raw", "Country of addresses that name none.", shape="country code"),
        Key("channel", "raw", "Channel of its orders where they do not say.", shape="a channel of this file"),
        Key("service", "raw", "Service of its orders where they do not say.", shape="text"),
        Key("channels", "raw", "Its words for channels.", shape='table, as in `{ "Online Store" = "web" }`'),
        Key("services", "raw", "Its words for services.", shape="table"),
        Key("countries", "raw", "Its words for countries.", shape="table"),
        Key("columns", "raw", "Its column names, where they differ: our name = their name, or a list.", shape="table"),
        Key("encoding", "raw", "How its text is stored.", shape="auto, utf-8, latin-1"),
        Key("delimiter", "raw", "What stands between columns; else told from its header.", shape="comma, semicolon, tab, bar"),
        Key("decimal", "raw", "Sign before decimals.", shape="point, comma"),
        Key("thousands", "raw", "Sign between thousands.", shape="none, comma, point, blank, apostrophe"),
        Key("not_goods", "raw", "SKU codes that are fees or adjustments, * for any text.", shape="list of patterns"),
        Key("cod", "raw", "Its words for cash on delivery, * for any text.", shape="list of patterns"),
        Key("pickup", "raw", "Its words for delivery to a pickup point.", shape="list of patterns"),
        Key("b2b", "raw", "Its words for an order of a business.", shape="list of patterns"),
        Key("test_orders", "raw", "What becomes of orders marked as tests.", shape="reject, accept"),
    ),
    as_written=True,
)
WORLD = Table(
    "world",
    "one",
    "What is derived where a source lacks it. The same seed and file give the same world; every report says what was derived.",
    (
        Key("seed", "int", "Changes every derived value at once.", 1, high=2**31 - 1),
        Key("weight_min_g", "int", "Lightest unit, where articles have no weight (0.1 lb).", 45, low=1, high=31_000),
        Key("weight_max_g", "int", "Heaviest unit (0.5 lb).", 227, low=1, high=31_000),
        Key("goods", "choice", "Weights and sizes: all light, or by the category in front of a code of the superstore data.",
            "light", words=("light", "superstore")),
        Key("residential", "bool", "Derived destinations are homes, the dearer case.", True),
        Key("stock", "choice", "Opening balances and weekly receipts: derived, or none.", "derive", words=("derive", "none")),
        Key("forecast_weeks", "int", "Weeks of demand that a week's forecast is the mean of.", 4, low=1, high=52),
        Key("forecast_error", "number", "Standard deviation of the forecast's lognormal error.", 0.25, high=3),
        Key("cover_weeks", "int", "Stock is ordered up to this many weeks of forecast.", 3, low=1, high=52),
        Key("lead_weeks", "int", "Weeks from ordering stock to having it.", 1, high=52),
    ),
)
TABLES = (PARTY, NETWORK, NODE, CONNECTION, HEALTH, CHANNEL, CAP, LEAK, POLICY, PROMISE, CARD, SOURCE, ALERTS, CONTACT, WORLD)
"""In the order in which a file reads best."""
