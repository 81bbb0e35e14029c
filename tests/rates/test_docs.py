import re
import tomllib

import pytest

from tests.rates.build import SPRING
from tests.support import ROOT
from tranship.rates import cards
from tranship.rates.cards import card_for, check_card, packaged_cards, raw_card

PAGE = (ROOT / "docs" / "rates.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_page_are_cards_that_can_be_used(text: str):
    """Each is valid TOML, and each card in it reads without a complaint."""
    written = tomllib.loads(text)["card"]
    for name in written:
        check_card(name, raw_card(written, name))
        assert card_for(written, name, SPRING).name == name


def test_every_setting_of_a_card_is_on_the_page_and_none_besides():
    """The table of keys is complete."""
    table = PAGE.partition("| key | type |")[2].partition("\n\n")[0]
    listed = {key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert listed == {"type", "base", "versions", *cards.PRICE_KEYS, *cards.UNIT_KEYS, *cards.PARCEL_KEYS}


def test_every_packaged_card_is_on_the_page():
    """By name, and with its standing said above."""
    assert all(f"`{name}`" in PAGE for name in packaged_cards())
