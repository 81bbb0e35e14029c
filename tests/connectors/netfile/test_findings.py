"""Every finding: what brings it, what it says, and that nothing else is said along the way."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.connectors.netfile.sample import SKUS, SMALL, STOCK, changed, write
from tranship.connectors.netfile import NetworkFileError, check, load
from tranship.connectors.netfile.finding import RULES
from tranship.core.time import date_to_day

SECOND_NODE = SMALL.index('[[node]]\ncode = "OWN-1"')


class Case(NamedTuple):
    """A change of the sample's files and the finding it brings: level, rule, and pieces of its text."""

    name: str
    said: str
    pieces: tuple[str, ...]
    toml: tuple[tuple[str, str], ...] = ()
    skus: tuple[tuple[str, str], ...] = ()
    stock: tuple[tuple[str, str], ...] = ()


def own_node(old: str, new: str) -> tuple[str, str]:
    """A change of the second node."""
    tail = SMALL[SECOND_NODE : SMALL.index("[[channel]]")]
    return tail, changed(tail, (old, new))


CASES = (
    # reading the file
    Case("misspelled table", "error unknown_table", ("tranship.toml:7: chanel", 'Did you mean "channel"'), (("[[network]]", "[[chanel]]\n[[network]]"),)),
    Case("misspelled key", "error unknown_key", ("tranship.toml:19: node[1].zpi", 'no key "zpi"', 'Did you mean "zip"'), (('zip = "08817"', 'zip = "08817"\nzpi = 1'),)),
    Case("no channel", "error missing_table", ("channel: no [[channel]] table",), ((SMALL[SMALL.index("[[channel]]") : SMALL.index("[[cap]]")], ""), ('channel = "web"\n', ""))),
    Case("no code", "error missing_key", ("party.code: [party] lacks code",), (('code = "acme"\n', ""),)),
    Case("no share", "error missing_key", ("cap[1].share: [[cap]] lacks share or share_bp",), (("share = 60\n", ""),)),
    Case("two shares", "error bad_value", ("share and share_bp say the same thing",), (("share = 60", "share = 60\nshare_bp = 6000"),)),
    Case("one node table", "error wrong_table", ("party: a list where one table belongs", "Write [party]"), (("[party]", "[[party]]"),)),
    Case("many party tables", "error wrong_table", ("policy", "a list where one table belongs"), (("[policy]", "[[policy]]"),)),
    Case("card without a name", "error wrong_table", ("card.base", "[card.NAME]"), (("[card.post]", "[card]"), ('"post"', '"mcf_us_standard"'))),
    Case("name that is no code", "error bad_value", ('"my card" is not a name',), (("[card.post]", '[card."my card"]'), ('"post"', '"mcf_us_standard"'))),
    Case("number for text", "error bad_value", ("party.code: 12 is not text", 'Write it in quotes, as in code = "12"'), (('code = "acme"', "code = 12"),)),
    Case("code with blanks", "error bad_value", ('"a c" is not a code', "letters, digits"), (('code = "acme"', 'code = "a c"'),)),
    Case("text of control signs", "error bad_value", ("cannot be used", "printable"), (('"Big Inc"', '"Big\\u0007"'),)),
    Case("number out of range", "error bad_value", ("-1 is out of range", "0 to 1,000,000,000"), (("peak_per_day = 1000", "peak_per_day = -1"),)),
    Case("not a number", "error bad_value", ("nan is not a number",), (("peak_per_day = 1000", "peak_per_day = nan"),)),
    Case("fraction of a unit", "error bad_value", ("1.5 is not a whole number",), (("peak_per_day = 1000", "peak_per_day = 1.5"),)),
    Case("truth as a number", "error bad_value", ("true is not a number",), (("peak_per_day = 1000", "peak_per_day = true"),)),
    Case("truth in quotes", "error bad_value", ('"true" is neither true nor false', "Allowed: true, false"), (("competitor = true", 'competitor = "true"'),)),
    Case("share above the whole", "error bad_value", ("cap[1].share: 101 is out of range", "0 to 100"), (("share = 60", "share = 101"),)),
    Case("share too fine", "error bad_value", ("60.001 is finer than a hundredth of a percent",), (("share = 60", "share = 60.001"),)),
    Case("ZIP as a number", "error bad_value", ("8817 is a number", 'zip = "08817"'), (('"08817"', "8817"),)),
    Case("ZIP of nine digits", "error bad_value", ('"08817-1234" is not a ZIP code', 'Five digits: "08817"'), (('"08817"', '"08817-1234"'),)),
    Case("unknown zone", "error bad_value", ('no time zone "America/New_Yrok"', 'Did you mean "America/New_York"'), (('"America/New_York"', '"America/New_Yrok"'),)),
    Case("cut-off without a colon", "error bad_value", ('"4pm" is not a time of day', "24-hour"), (('"16:30"', '"4pm"'),)),
    Case("cut-off after midnight", "error bad_value", ('"24:00" is not a time of day',), (('"16:30"', '"24:00"'),)),
    Case("small letters for a state", "error bad_value", ('"tn" is not a state', "2 capital letters"), (('"TN"', '"tn"'),)),
    Case("unknown word", "error bad_value", ('"order" is not one of its words', "fulfillment_orders, units, value"), (("share = 60", 'share = 60\nmeasure = "order"'),)),
    Case("word for a list", "error bad_value", ('"big" is not a list', '["a", "b"]'), (('["big"]', '"big"'),)),
    Case("bad word in a list", "error bad_value", ('"a b" is not a word',), (('"region:nj"', '"a b"'),)),
    Case("word twice", "error bad_value", ('"region:nj" is there twice',), (('"region:nj"', '"region:nj", "region:nj"'),)),
    Case("endless list", "error bad_value", ("a list of 1,001 words", "At most 1,000"), (('["carrier:big", "region:nj"]', str([f"w{i}" for i in range(1001)])),)),
    Case("lists in lists", "error bad_value", ("too deep", "At most 8"), (("order_fee = 1.50", "order_fee = " + "[" * 12 + "]" * 12),)),
    Case("endless number", "error bad_value", ("card.post.order_fee: 1", "is out of range"), (("order_fee = 1.50", "order_fee = 1" + "0" * 400),)),
    Case("weights the wrong way round", "error bad_value", ("world.weight_min_g: 300 is more than weight_max_g",), (("[policy]", "[world]\nweight_min_g = 300\n[policy]"),)),
    Case("too many caps", "error too_many", ("13 caps", "At most 12"), (("[policy]", "".join(f'[[cap]]\nnetwork="n{i}"\nshare=90\n[[network]]\ncode="n{i}"\n' for i in range(12)) + "[policy]"),)),
    Case("node code twice", "error duplicate", ('node[2].code: node code "BIG-1" is there twice', "First at node[1]"), (('"OWN-1"', '"BIG-1"'),)),
    Case("code twice but for case", "error duplicate", ('network code "BIG" is there twice',), (('code = "own"', 'code = "BIG"'), ('network = "own"', 'network = "BIG"'), ('["own"]', '["BIG"]'))),
    Case("cap twice", "error duplicate", ("cap[2].network", "is there twice"), (("[policy]", '[[cap]]\nnetwork = "big"\nshare = 50\n[policy]'),)),
    Case("node of no network", "error no_such", ('node[2].network: no network is called "onw"', 'Did you mean "own"'), (('network = "own"', 'network = "onw"'),)),
    Case("node without its card", "error no_such", ('node[2].card: no card is called "pots"', 'Did you mean "post"'), (('card = "post"', 'card = "pots"'),)),
    Case("channel of no network", "error no_such", ('channel[2].on_platform_for: no network is called "bigg"',), (('["big"]', '["bigg"]'),)),
    Case("cap on nobody", "error no_such", ('cap[1].network: no network is called "bug"',), (('[[cap]]\nnetwork = "big"', '[[cap]]\nnetwork = "bug"'),)),
    Case("source of no channel", "error no_such", ('source.shop.channel: no channel is called "wbe"', 'Did you mean "web"'), (('channel = "web"', 'channel = "wbe"'),)),
    Case("source renamed to no channel", "error no_such", ('source.shop.channels: no channel is called "wbe"',), (('channel = "web"', 'channels = { POS = "wbe" }'),)),
    Case("must-rule about nobody", "error no_such", ('no node or network is called "onw"',), (('prefer = ["own"]', 'must = ["only:onw"]'),)),
    Case("must-rule for no channel", "error no_such", ('no channel is called "wbe"',), (('prefer = ["own"]', 'must = ["only:own@wbe"]'),)),
    Case("must-rule of no kind", "error bad_value", ('"onyl:own" is not a rule', "Write only:NAME"), (('prefer = ["own"]', 'must = ["onyl:own"]'),)),
    Case("preference of no kind", "error no_such", ('"independnt" is neither', 'Did you mean "independent"'), (('prefer = ["own"]', 'prefer = ["independnt"]'),)),
    # cards and sources, read by their own rooms
    Case("misspelled key of a card", "error unknown_key", ('card.post.oder_fee: [card.NAME] has no key "oder_fee"', 'Did you mean "order_fee"'), (("order_fee", "oder_fee"),)),
    Case("card that cannot be read", "error bad_value", (":51: card.post.order_fee: found -1",), (("order_fee = 1.50", "order_fee = -1"),)),
    Case("card of an unknown base", "error bad_value", ("card.post.base: card 'uspz' is not known", "Known cards"), (("usps_ground_advantage", "uspz"),)),
    Case("source that cannot be read", "error bad_value", ("source.shop.format", "'cvs'", "uci"), (('format = "csv"', 'format = "cvs"'),)),
    Case("rate of nothing", "error bad_value", ("source.shop.rate: 0 is out of range",), (('format = "csv"', 'format = "csv"\nrate = 0'),)),
    Case("currency without a rate", "warning no_rate", ("source.shop.currency", "GBP", "rate = 1.55"), (('format = "csv"', 'format = "csv"\ncurrency = "GBP"'),)),
    Case("same state, no state", "warning no_state", ("BIG-1 cannot be in the same state",), (('prefer = ["own"]', 'prefer = ["same_state"]'),)),
    Case("unused card", "note unused", ('no node uses the card "spare"',), (("[source.shop]", '[card.spare]\nbase = "usps_ground_advantage"\n[source.shop]'),)),
    # the SKU file
    Case("SKU file that is not there", "error no_file", ("tranship.toml:3: party.sku_file: sku.csv: no such file",), (('"skus.csv"', '"sku.csv"'),)),
    Case("no sku column", "error missing_column", ("skus.csv:1: sku: no such column", "The file has: item"), (), (("sku,", "item,"),)),
    Case("unknown column", "warning unknown_column", ("skus.csv:1: colour", "not read"), (), ((",code:big", ",colour"), ("MUG-BIG", "red"))),
    Case("column without a name", "warning unknown_column", ("a column without a name",), (), ((",code:big", ","), ("MUG-BIG", "red"))),
    Case("column twice", "error duplicate", ("skus.csv:1: value: the column is there twice",), (), (("fragile", "value"),)),
    Case("two weights", "error bad_value", ("skus.csv:1: weight_lb: weight_g says the same",), (), (("length_in", "weight_g"),)),
    Case("code column of no network", "error no_such", ('code:bug: no network is called "bug"',), (), (("code:big", "code:bug"),)),
    Case("row too short", "error not_csv", ("skus.csv:3: row: 3 cells under a header of 12 columns",), (), (("SPOON,0.1,,,,2,,,,,,", "SPOON,0.1,2"), ("MUG:2;SPOON:4", "MUG:2"))),
    Case("open quote", "error not_csv", ("skus.csv:2: row: not CSV",), (), (("MUG,0.8", '"MUG,0.8'),)),
    Case("row without a code", "error missing_key", ("skus.csv:3: sku: the row has no code",), (), (("SPOON,", ","), ("MUG:2;SPOON:4", "MUG:2"))),
    Case("article twice", "error duplicate", ('skus.csv:3: sku: "MUG" is there twice', "First in line 2"), (), (("SPOON,", "MUG,"), ("MUG:2;SPOON:4", "MUG:2"))),
    Case("code too long", "error bad_value", ("skus.csv:5: sku", "At most 100"), (), (("GLUE", "G" * 101),)),
    Case("weight with its unit", "error bad_value", ('skus.csv:2: weight_lb: "0.8 lb" is not an amount',), (), (("0.8", "0.8 lb"),)),
    Case("weight below zero", "error bad_value", ('"-1" is not an amount',), (), (("0.8", "-1"),)),
    Case("value that is endless", "error bad_value", ('"inf" is not an amount',), (), (("14.50", "inf"),)),
    Case("perhaps fragile", "error bad_value", ('skus.csv:2: fragile: "maybe" is neither yes nor no',), (), (("yes", "maybe"),)),
    Case("unknown sensitivity", "error bad_value", ('"secret" is not one of its words', "normal, sensitive"), (), (("normal", "secret"),)),
    Case("node list of no node", "error no_such", ('skus.csv:5: nodes: no node is called "OWN-2"', 'Did you mean "OWN-1"'), (), (("OWN-1", "OWN-2"),)),
    Case("part without a quantity", "error bad_value", ('skus.csv:4: parts: "SPOON" is not code:quantity',), (), (("SPOON:4", "SPOON"),)),
    Case("part twice", "error duplicate", ('skus.csv:4: parts: "MUG" is there twice',), (), (("SPOON:4", "MUG:4"),)),
    Case("part that is no article", "error bundle", ('skus.csv:4: parts: no article is called "SPON"', 'Did you mean "SPOON"'), (), (("SPOON:4", "SPON:4"),)),
    Case("part of itself", "error bundle", ('"SET" is part of itself',), (), (("SPOON:4", "SET:1"),)),
    Case("bundle in a bundle", "error bundle", ('skus.csv:5: parts: part "SET" is a bundle itself', "One level"), (), (("no,yes,,,OWN-1", "no,yes,,SET:1,OWN-1"),), (("OWN-1,GLUE,7\n", ""),)),
    Case("no weight", "warning no_weight", ("1 of 4 articles have no weight: MUG",), (), (("0.8", ""), (",MUG:2;SPOON:4", ",SPOON:4"))),
    # the stock file
    Case("stock at no node", "error no_such", ('stock.csv:2: node: no node is called "BIG-2"',), (), (), (("BIG-1", "BIG-2"),)),
    Case("stock of no article", "error no_such", ('stock.csv:2: sku: no article is called "MUGG"',), (), (), (("MUG", "MUGG"),)),
    Case("stock without articles", "error no_such", ("party.stock_file: opening balances of articles that no file lists", "sku_file"), (('sku_file = "skus.csv"\n', ""),)),
    Case("stock of a bundle", "error bundle", ('"SET" is a bundle, it has no stock',), (), (), (("BIG-1,MUG", "BIG-1,SET"),)),
    Case("stock below zero", "error bad_value", ('stock.csv:2: qty: "-60" is not a number of units',), (), (), (("60", "-60"),)),
    Case("stock twice", "error duplicate", ('stock.csv:3: sku: "MUG" at BIG-1 is there twice', "First in line 2"), (), (), (("OWN-1,MUG", "BIG-1,MUG"),)),
    Case("unknown stock column", "warning unknown_column", ("stock.csv:1: bin",), (), (), (("qty", "qty,bin"), ("60", "60,A"), ("40", "40,A"), ("500", "500,A"), ("7", "7,A"))),
    # articles and nodes
    Case("only the capped network has it", "warning capped_only", ("only big, capped at 60 %", "1 of 4 articles: MUG", "independent node"), (), (), (("OWN-1,MUG,40\n", ""),)),
    Case("only the capped network may have it", "warning capped_only", ("party.stock_file", "1 of 4 articles: GLUE"), (("capacity_per_day = 1000", "capacity_per_day = 1000\nhazmat = true"),), (("OWN-1", "BIG-1"),), (("OWN-1,GLUE", "BIG-1,GLUE"),)),
    Case("nobody may ship it", "warning nobody", ("1 of 4 articles: GLUE",), (("hazmat = true\n", ""),)),
    Case("sensitive at a competitor only", "warning nobody", ("GLUE",), (), (("no,yes,,,OWN-1", "no,no,sensitive,,BIG-1"),), (("OWN-1,GLUE", "BIG-1,GLUE"),)),
    # places
    Case("closed node", "note closed", ("node[3].closed: OLD is closed",), (("[[channel]]", SMALL[SECOND_NODE : SMALL.index("[[channel]]")].replace("OWN-1", "OLD") + "closed = true\n[[channel]]"),)),
    Case("closed network", "warning closed", ("network[2].code: every node of own is closed",), (own_node("hazmat = true", "hazmat = true\nclosed = true"), ("[[cap]]\n", "[[cap]]\non_conflict = 'breach'\n"), ("share = 60", "share = 100"))),
    Case("nothing open", "error closed", ("node: every node is closed",), (own_node("hazmat = true", "hazmat = true\nclosed = true"), ("capacity_per_day = 1000", "closed = true"))),
    Case("network without a node", "warning no_node", ("network[3].code: spare has no node",), (("[[node]]", '[[network]]\ncode = "spare"\n[[node]]'),)),
    Case("must-rules that leave nobody", "error no_node", ("policy.must", "leave no open node to web", "channel[1]"), (('prefer = ["own"]', 'must = ["avoid:big@web", "avoid:own@web"]'),)),
    Case("cut-off in the night", "warning cutoff", ("node[2].cutoff", "4:30, in the night", "14:00"), (('"16:30"', '"4:30"'),)),
    Case("ZIP code that nobody has", "warning unknown_zip", ('node[2].zip: no ZIP code "37000" is known', "first three digits"), (('"37066"', '"37000"'),)),
    Case("area that nobody has", "warning unknown_zip", ('no ZIP code "00000" is known', "No shipping zone"), (('"37066"', '"00000"'),)),
    Case("state of another place", "warning other_state", ("node[2].state: 37066 is Gallatin, TN, not KY", 'Write state = "TN"'), (('"TN"', '"KY"'),)),
    Case("zone of another place", "warning other_zone", ("node[2].zone: 37066 is Gallatin, TN", "not America/Denver"), (('"America/Chicago"', '"America/Denver"'),)),
    Case("node abroad", "warning abroad", ("node[2].country: OWN-1 is in CA",), (('state = "TN"', 'country = "CA"'),)),
    # channels
    Case("service that nobody offers", "error no_service", ('channel[1].service: no open node offers the service "grond"', 'Did you mean "ground"'), (('code = "web"', 'code = "web"\nservice = "grond"'),)),
    Case("channel that no cap counts", "warning on_platform", ("channel[2].on_platform_for: market is on-platform for every network",), (('["big"]', '["big", "own"]'),)),
    # caps
    Case("no room in the window", "warning no_room", ("cap[1].window: 60 % of a window of 1 is no room", "at least 2"), (("share = 60", "share = 60\nwindow = 1"),)),
    Case("no room but the reserve", "warning no_room", ("cap[1].reserve", "600 places"), (("share = 60", "share = 60\nreserve = 600"),)),
    Case("cap that counts nothing", "warning cap_counts_nothing", ("cap[1].counts", "set carrier in [[network]]"), (("share = 60", 'share = 60\ncounts = "carrier"'),)),
    Case("independence by operator", "warning name_only", ("network[2].operator: own has the operator of the capped network, big inc", "only a name"), (('code = "own"', 'code = "own"\noperator = "big inc"'),)),
    Case("independence by carrier", "warning name_only", ("network[2].carrier: big, the capped network, carries the parcels of own",), (('code = "own"', 'code = "own"\ncarrier = "big"'),)),
    Case("independence by building", "warning name_only", ("node[2].depends_on: OWN-1 depends on region:nj, and so does BIG-1",), (("hazmat = true", 'hazmat = true\ndepends_on = ["region:nj"]'),)),
    Case("independence by the network itself", "warning name_only", ("OWN-1 depends on carrier:Big, the capped network",), (('["carrier:big", "region:nj"]', "[]"), ("hazmat = true", 'hazmat = true\ndepends_on = ["carrier:Big"]'))),
    Case("too little at peak", "warning peak", ("cap[1].share: independent nodes ship 400 units a day, 36.4 % of the busiest day (1,100 units, peak_per_day)", "at least 440 units"), (("peak_per_day = 1000", "peak_per_day = 1100"),)),
    Case("too little in all at peak", "warning peak", ("party.peak_per_day: all open nodes ship 1,400 units a day",), (("peak_per_day = 1000", "peak_per_day = 2000"),)),
)  # fmt: skip


def told(case: Case, folder: Path) -> list[str]:
    """Everything that `check` says about the changed sample, as text."""
    path = write(
        folder,
        changed(SMALL, *case.toml),
        skus=changed(SKUS, *case.skus),
        stock=changed(STOCK, *case.stock),
    )
    return [f"{finding.level} {finding.rule} {finding}" for finding in check(path)]


def test_a_sound_file_says_nothing(tmp_path: Path) -> None:
    """The sample itself has neither errors nor warnings nor notes."""
    assert check(write(tmp_path)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_finding_names_place_what_was_found_and_what_is_allowed(case: Case, tmp_path: Path) -> None:
    """The change brings its finding with level, rule, file, key, what was found and the hint."""
    lines = told(case, tmp_path)
    same = [line for line in lines if line.startswith(f"{case.said} ")]
    assert any(all(piece in line for piece in case.pieces) for line in same), "\n".join(lines)


def test_every_rule_has_its_cases() -> None:
    """No rule that the page lists is without a test: those not above have tests of their own below."""
    own_tests = {"not_toml", "no_feasible_split", "encoding"}
    assert {case.said.split()[1] for case in CASES} | own_tests == set(RULES)


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (b"[party\n", ("tranship.toml:1:", "column")),
        (b"[party]\ncode = 'caf\xe9'\n", ("tranship.toml:2:", "byte 0xE9 is not UTF-8")),
        (b"a = " + b"[" * 5000, ("tranship.toml",)),
        (b"a = 1\na = 2\n", ("tranship.toml:2:",)),
        (b"a = 1" + b"0" * 5000, ("not TOML",)),
    ],
)
def test_a_file_that_is_not_toml_is_an_error_with_its_line(
    tmp_path: Path, content: bytes, pieces: tuple[str, ...]
) -> None:
    """Broken syntax, a wrong encoding, bottomless nesting: one error, never another exception."""
    path = tmp_path / "tranship.toml"
    path.write_bytes(content)
    (finding,) = check(path)
    assert (finding.level, finding.rule) == ("error", "not_toml")
    assert all(piece in str(finding) for piece in pieces), finding


def test_a_file_that_is_not_there_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """`check` reports the missing file; `load` raises it."""
    (finding,) = check(tmp_path / "tranship.toml")
    assert finding.rule == "no_file"
    assert "tranship init" in finding.hint
    with pytest.raises(NetworkFileError, match="cannot be read"):
        load(tmp_path)  # a folder
    with pytest.raises(NetworkFileError, match="no such file"):
        load(tmp_path / "tranship.toml")


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    """Independent mistakes in different tables and files are all in one refusal, errors before warnings."""
    text = changed(
        SMALL, ('"America/New_York"', '"Mars"'), ("share = 60", "share = 600"), ('code = "own"', 'cod = "own"')
    )
    path = write(tmp_path, text, skus=changed(SKUS, ("0.8", "heavy"), ("normal", "secret"), (",fragile", ",brittle")))
    with pytest.raises(NetworkFileError) as refused:
        load(path)
    rules = [finding.rule for finding in refused.value.findings if finding.level == "error"]
    assert sorted(rules) == [
        "bad_value",
        "bad_value",
        "bad_value",
        "bad_value",
        "missing_key",
        "no_such",
        "unknown_key",
    ]
    assert "7 errors" in str(refused.value)
    assert all(finding.where in str(refused.value) for finding in refused.value.findings if finding.level == "error")
    levels = [finding.level for finding in refused.value.findings]
    assert levels == sorted(levels)  # error < warning


def test_a_flood_of_one_finding_is_counted_not_listed(tmp_path: Path) -> None:
    """A thousand bad rows give 25 findings and one line with the number of the others."""
    rows = "".join(f"A{i},heavy\n" for i in range(1000))
    path = write(tmp_path, changed(SMALL, ('stock_file = "stock.csv"\n', "")), skus="sku,weight_g\n" + rows)
    findings = [finding for finding in check(path) if finding.rule == "bad_value"]
    assert len(findings) == 26
    assert findings[-1].what == "975 more of this kind (bad_value)"


@pytest.mark.parametrize(
    ("pairs", "pieces"),
    [
        ([own_node("hazmat = true", "closed = true")], ("no independent node could ship the other 40 % of web", "BIG-1")),
        ([("share = 60", "share = 60\n[[cap]]\nnetwork = 'own'\nshare = 30")], ("of web sum to 90 %", "big 60 % + own 30 %")),
        ([("share = 60", "share = 60\n[[cap]]\nnetwork = 'own'\nshare = 60")], ("first order has nowhere to go",)),
        (
            [('"carrier:big"', '"x"'), ("share = 60", 'share = 60\ncounts = "either"'), ('code = "own"', 'code = "own"\ncarrier = "big"')],
            ("no independent node could ship the other 40 % of web",),
        ),
        ([('code = "web"', 'code = "web"\nservice = "air"'), ("capacity_per_day = 1000", 'services = ["ground", "air"]')], ("with air counts against",)),
        ([('prefer = ["own"]', 'must = ["only:big@web"]')], ("no independent node could ship the other 40 % of web",)),
        ([("share = 60", "share = 0"), own_node("hazmat = true", "closed = true")], ("the other 100 % of web",)),
    ],
    ids=["only the capped network is open", "sum below the whole", "sum above the whole", "counted by carrier", "by service", "by must-rule", "excluded"],
)  # fmt: skip
def test_caps_without_a_feasible_split_are_refused(
    tmp_path: Path, pairs: list[tuple[str, str]], pieces: tuple[str, ...]
) -> None:
    """A cap that no split can keep on some channel is an error of `load` too: its orders would wait for ever."""
    text = changed(SMALL, ("stock_file", "# stock_file"), *pairs)
    with pytest.raises(NetworkFileError) as refused:
        load(write(tmp_path, text))
    said = [str(finding) for finding in refused.value.findings if finding.rule == "no_feasible_split"]
    assert said, refused.value.findings
    assert any(piece in said[0] or piece in said[0].replace("every open node", "BIG-1") for piece in pieces), said


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("share = 60", "share = 60\n[[cap]]\nnetwork = 'own'\nshare = 60\non_conflict = 'breach'")],
        [("share = 60", "share = 100"), own_node("hazmat = true", "closed = true")],
        [('code = "web"', 'code = "web"\non_platform_for = ["big"]'), own_node("hazmat = true", "closed = true")],
        [("share = 60", "share = 60\n[[cap]]\nnetwork = 'own'\nshare = 100")],
    ],
    ids=["as it is", "one may breach", "cap of the whole", "on-platform everywhere", "the other's cap is no limit"],
)
def test_caps_that_leave_a_split_are_not_refused(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    """An uncapped node, a cap that may breach, and an on-platform channel each leave orders somewhere to go."""
    text = changed(SMALL, ("stock_file", "# stock_file"), *pairs)
    assert load(write(tmp_path, text)).network.party == "acme"


def test_a_cap_on_the_total_only_is_told_where_other_channels_may_make_room(tmp_path: Path) -> None:
    """Without `per_channel` another channel's orders may pay for this one's: no proof, so a warning instead of an error."""
    text = changed(SMALL, ("stock_file", "# stock_file"), ('prefer = ["own"]', 'must = ["only:big@web"]'))
    text = changed(text, ("share = 60", "share = 60\nper_channel = false"))
    loaded = load(write(tmp_path, text))
    assert [finding.rule for finding in loaded.warnings if finding.level == "warning"] == ["no_feasible_split"]


def test_peak_is_measured_on_the_busiest_working_day(tmp_path: Path) -> None:
    """Weekend orders count on the Monday after; measured days take the place of `peak_per_day`."""
    saturday = date_to_day(dt.date(2010, 9, 25))
    on = [(saturday, 500), (saturday + 1, 300), (saturday + 2, 300), (saturday + 3, 1000)]
    path = write(tmp_path, changed(SMALL, ("peak_per_day = 1000", "peak_per_day = 9000")))
    findings = [finding for finding in check(path, on) if finding.rule == "peak"]
    assert len(findings) == 1
    assert "36.4 % of the busiest day (1,100 units, measured, 2010-09-27)" in findings[0].what
    assert [finding for finding in check(path, []) if finding.rule == "peak"] == []


def test_a_node_without_a_limit_carries_any_peak(tmp_path: Path) -> None:
    """Capacity 0 is no limit, so there is nothing to warn of."""
    text = changed(SMALL, ("capacity_per_day = 400\n", ""), ("peak_per_day = 1000", "peak_per_day = 900000"))
    assert [finding for finding in check(write(tmp_path, text)) if finding.rule == "peak"] == []
