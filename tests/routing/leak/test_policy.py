"""The dial and the ranges of the settings."""

from itertools import pairwise

import msgspec
import pytest

from tranship.core.errors import InputError
from tranship.routing.leak.policy import POINTS, RANGES, Settings, settings_for


@pytest.mark.parametrize("networks", [1, 2, 3])
def test_the_dial_passes_through_its_measured_points(networks: int):
    """Named positions give the settings that were measured; every position gives settings within their ranges."""
    for position, settings in POINTS[min(networks, 2)]:
        assert settings_for(position, networks) == settings
    for position in range(101):
        settings_for(position, networks).checked()


def test_the_dial_ends_at_nothing_and_at_everything():
    """0 shows nothing, 100 is no budget; outside there is no position."""
    assert settings_for(0).level == 0 == settings_for(0).share_least
    assert settings_for(100).open_share == 1
    for wrong in (-1, 101):
        with pytest.raises(InputError):
            settings_for(wrong)


def test_more_budget_opens_more():
    """Turning the dial up never lowers the curves or the share that passes freely."""
    found = [settings_for(position) for position in range(101)]
    for one, other in pairwise(found):
        assert one.level <= other.level + 1e-9 and one.open_share <= other.open_share


@pytest.mark.parametrize("name", sorted(RANGES))
def test_settings_out_of_range_are_refused(name: str):
    """Each number has a range, and the message names it."""
    for wrong in (RANGES[name][0] - 1, RANGES[name][1] + 1):
        with pytest.raises(InputError, match=name):
            msgspec.structs.replace(Settings(), **{name: wrong}).checked()


def test_lists_out_of_range_are_refused():
    """A theta is a probability, a drift is limited, and there is at least one theta."""
    for change in ({"thetas": ()}, {"thetas": (1.5,)}, {"thetas": (0.1,) * 17}, {"drifts": (4.0,)}):
        with pytest.raises(InputError):
            msgspec.structs.replace(Settings(), **change).checked()
