"""An hour in which the cheapest network is dark, with spare capacity elsewhere."""

from tranship.sim.handover.blackout import blackout


def test_with_hold_every_order_of_the_hour_has_a_place_within_two_minutes():
    """Also those that were handed to the dark network before anybody noticed: they cannot ship, so they are free at once."""
    found = blackout(range(3), hold=True)
    assert found.arrived > 50
    assert found.unnoticed > 20
    assert (found.in_time, found.unnoticed_in_time) == (found.arrived, found.unnoticed)
    assert (found.double_shipped, found.lost) == (0, 0)


def test_without_hold_orders_that_the_dark_network_may_have_wait_and_none_ships_twice():
    """Nobody can know whether it will ship them: moving them would be a guess."""
    found = blackout(range(3), hold=False)
    assert found.unnoticed_in_time < found.unnoticed
    assert found.slowest_s > 600
    assert (found.double_shipped, found.lost) == (0, 0)
