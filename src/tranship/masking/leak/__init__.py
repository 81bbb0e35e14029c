"""The leak meter: what a network can work out from the orders it got to see, beside what guessing would give."""

from tranship.masking.leak.metrics import Reading, Scores, combine, score
from tranship.masking.leak.model import Adversary, Seen, World

__all__ = ["Adversary", "Reading", "Scores", "Seen", "World", "combine", "score"]
