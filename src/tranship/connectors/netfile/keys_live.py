"""Keys of what only a live service needs: connections to networks, node health, alerts. Part of `keys.TABLES`."""

from tranship.connectors.netfile.schema import REQUIRED, Key, Table
from tranship.core.alerts import Alerts, Contact
from tranship.core.capability import Connection
from tranship.core.health import Health

# A table of keys reads best with one key a line, wider than code.
# fmt: off

CONNECTION = Table(
    "connection",
    "named",
    "One account at a network's interface. Nodes name it; orders for them are handed over by it. What the interface can promise is not "
    "written here: it comes with the kind, each claim with its proof.",
    (
        Key("kind", "code", "Which interface it speaks.", REQUIRED),
        Key("settings", "settings", "The kind's own keys (endpoint, marketplace ...), passed on as they are.", {}),
        Key("secrets", "secrets", "Where its secrets lie: name = `env:NAME` or `file:PATH`. A secret itself is refused.", {}),
        Key("hold_release", "bool", "Use Hold where the interface has it; `false`: hand over only when it is time to release.", True),
        Key("hold_min", "int", "Minutes before the cut-off at which a fulfillment order is handed over on hold.", low=0, high=14 * 1440),
        Key("release_min", "int", "Minutes before the cut-off at which it is released (without Hold: handed over).", low=0, high=7 * 1440),
        Key("resolve_limit_min", "int", "Minutes after which a call-back without proof is put before a person.", low=1, high=10_080),
        Key("stall_min", "int", "Minutes without progress after which an accepted order counts as stalled.", low=1, high=43_200),
        Key("poll_s", "int", "Seconds between two looks at what changed there.", low=5, high=86_400),
        Key("stock_poll_s", "int", "Seconds between two counts of stock.", low=30, high=604_800),
        Key("drift_limit", "int", "Units that a count may differ before the SKU is closed at the node.", low=0, high=1_000_000),
        Key("in_flight", "int", "Calls at once.", low=1, high=256),
        Key("timeout_ms", "int", "Milliseconds after which a call counts as lost.", low=100, high=120_000),
        Key("pilot_bp", "int", "Basis points of the orders that may be handed over; the rest is projected.", low=0, high=10_000),
        Key("recipient", "choice", "What the label says: an alias made for each order, or the customer's name. Not written: an alias, "
            "and the name where the kind is `manual`. An order may ask for the name (`id_check`): see [aliases](aliases.md).",
            words=("alias", "name")),
        Key("sku_aliases", "choice", "Whether its network is told aliases instead of codes; `required`: an article without an active "
            "one goes elsewhere. See [aliases](aliases.md).", words=("off", "required")),
        Key("token_days", "int", "Days after delivery until what its network's tokens stand for is forgotten (returns come before); "
            "0: never.", low=0, high=3_650),
        Key("outages", "spans", "Outages that were announced: nothing is handed over inside, and work returns in stages after."),
    ),
    Connection,
)
HEALTH = Table(
    "health",
    "one",
    "When a connection counts as sick, and how work returns to it: see [health](health.md).",
    (
        Key("window_s", "int", "Calls that began in the last so many seconds are looked at.", low=10, high=600),
        Key("min_calls", "int", "Calls below which nothing is concluded; a quiet window reaches back until it has twelve.", low=3, high=12),
        Key("evidence_milli", "int", "How much more likely sick than healthy has to be, thousandths of a nat: more is surer and later.",
            low=4_000, high=40_000),
        Key("sick_bp", "int", "A sick interface fails this often, and hangs this often, basis points: what detection is sharpest at.",
            low=500, high=4_500),
        Key("slow_bp", "int", "A call counts as slow above so many basis points of the usual p99, finished or not (20000: twice it).",
            low=12_000, high=100_000),
        Key("usual_ms", "int", "What is taken for the usual p99 until it is learned, milliseconds.", low=50, high=60_000),
        Key("floor_ms", "int", "No call counts as slow below this, milliseconds.", low=10, high=60_000),
        Key("stalled_bp", "int", "Share of accepted orders without progress at which it is sick, basis points.", low=100, high=10_000),
        Key("stalled_min", "int", "Such orders at least.", low=1, high=100_000),
        Key("open_s", "int", "Seconds open before the first probe.", low=1, high=3_600),
        Key("open_most_s", "int", "The longest that repeated relapses make of it.", low=1, high=86_400),
        Key("probes", "int", "Good probes in a row that end half-open.", low=2, high=100),
        Key("probe_s", "int", "Seconds between two probes.", low=1, high=600),
        Key("step_s", "int", "Seconds on each step of the return (10, 25, 50, 100 % of new work).", low=5, high=86_400),
        Key("calm_s", "int", "Seconds without relapse after which earlier openings no longer count.", low=60, high=604_800),
    ),
    Health,
)
ALERTS = Table(
    "alerts",
    "one",
    "When people are told of what needs them: see [alerts](alerts.md). Addresses, URLs and keys are references: `env:NAME` or `file:PATH`.",
    (
        Key("dedupe_min", "int", "Minutes in which the same about the same subject is one alert with a count.", low=1, high=1_440),
        Key("escalate_min", "int", "Minutes unacknowledged after which the next contact is told; 0: never.", low=0, high=1_440),
        Key("per_hour", "int", 'Messages an hour to one contact; the rest becomes one line ("and 37 more").', low=1, high=1_000),
        Key("quiet_from", "time", "Quiet hours begin, local: only critical alerts go out.", field="quiet_from_min"),
        Key("quiet_until", "time", "Quiet hours end; the same as quiet_from: there are none.", field="quiet_until_min"),
        Key("zone", "zone", "IANA time zone of the quiet hours."),
        Key("smtp_host", "text", "Where e-mail is handed in; empty: none is sent."),
        Key("smtp_port", "int", "Its port.", low=1, high=65_535),
        Key("smtp_starttls", "bool", "E-mail goes over TLS or not at all; `false` for a server on this machine only."),
        Key("smtp_sender", "reference", "The sender's address."),
        Key("smtp_user", "reference", "The user name, where the server asks for one."),
        Key("smtp_password", "reference", "The password."),
    ),
    Alerts,
)
CONTACT = Table(
    "contact",
    "many",
    "Somebody to tell. The first is told at once, the next after `escalate_min` without an acknowledgment.",
    (
        Key("code", "code", "Short name.", REQUIRED),
        Key("webhook", "reference", "URL that alerts are posted to, as signed JSON."),
        Key("secret", "reference", "Key that they are signed with; required beside webhook."),
        Key("email", "reference", "Address that alerts are mailed to."),
    ),
    Contact,
)
