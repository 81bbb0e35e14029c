"""Destinations for orders that have none: a state by population, then one of its standard ZIPs, by who ordered."""

from collections.abc import Sequence

import numpy as np

from tranship.core.order import Destination
from tranship.sim.world import keyed
from tranship.sim.world.keyed import Ints
from tranship.sim.world.places import STATES, places


class Destinations:
    """Draws destinations for one seed: a customer always lives at the same place, a guest is drawn by invoice."""

    def __init__(self, seed: int = 1, residential: bool = True) -> None:
        self.seed, self.residential = seed, residential
        self.places = places()

    def destination(
        self, source: str, customer_or_invoice: str, guest: bool = False, state: str = ""
    ) -> tuple[str, str]:
        """(ZIP, state) of a customer reference, or of a guest's invoice number; inside `state` where that is known."""
        zips, states = self.draw([draw_key(source, customer_or_invoice, guest)], [state])
        return f"{int(zips[0]):05d}", STATES[int(states[0])]

    def draw(self, keys: Sequence[str], within: Sequence[str] = ()) -> tuple[Ints, Ints]:
        """ZIP numbers and state positions for many keys of `draw_key` (25,000 in under 0.1 s).

        `within` names the state of each key where it is known; by population where empty or no state.
        """
        draws = keyed.words(self.seed, "destination", keys, 2)
        states = keyed.pick(draws[:, 0], self.places.population)
        if any(within):
            known = {state: i for i, state in enumerate(STATES)}
            given = np.array([known.get(state.upper(), -1) for state in within], np.int64)
            states = np.where(given >= 0, given, states)
        first = self.places.start[states]
        chosen = first + keyed.below(draws[:, 1], self.places.start[states + 1] - first)
        return self.places.standard[chosen], states

    def many(self, keys: Sequence[str], within: Sequence[str] = ()) -> list[Destination]:
        """A Destination for each key; equal places are one object."""
        zips, states = self.draw(keys, within)
        made: dict[int, Destination] = {}
        found = []
        for number, state in zip(zips.tolist(), states.tolist(), strict=True):
            if number not in made:
                made[number] = Destination(f"{number:05d}", STATES[state], "US", self.residential)
            found.append(made[number])
        return found


def draw_key(source: str, customer_or_invoice: str, guest: bool = False) -> str:
    """What a destination is drawn for. A customer "7" and a guest's invoice "7" are different people."""
    return f"{source}\x1f{'invoice' if guest else 'customer'}\x1f{customer_or_invoice}"
