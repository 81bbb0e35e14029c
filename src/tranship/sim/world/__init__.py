"""The derived world: destinations, goods and stock for orders whose source has none, and the demo's stream of orders.

Everything follows from a seed and from the input's own keys; see docs/derived-world.md.
"""

from tranship.sim.world.derive import World, derive
from tranship.sim.world.destinations import Destinations
from tranship.sim.world.settings import WorldSettings, read_settings
from tranship.sim.world.stock import Receipt

__all__ = ["Destinations", "Receipt", "World", "WorldSettings", "derive", "read_settings"]
