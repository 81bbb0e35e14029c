"""Trained attackers: they know the code and the policy, not the keys, and have other brands under the same policy to learn from.

Growth: gradient boosting and a ridge regression on what a network sees of each SKU. Best customers: gradient boosting on what it sees of
each household. LightGBM comes with the extra `[plan]`; without it these attackers say so instead of being left out in silence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from tranship.core.errors import UnavailableError
from tranship.masking.leak.closed import by_week, slope
from tranship.masking.leak.features import of_households, of_skus
from tranship.masking.leak.model import Adversary, Floats, Seen, World
from tranship.masking.leak.truth import BEST

Pair = tuple[World, Seen]
RIDGE = 30.0
HOUSEHOLD_WORLDS = 2
"""Training worlds whose households are read: each has tens of thousands."""
COMMON = {"verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True}
GROWTH = COMMON | {
    "objective": "regression", "learning_rate": 0.03, "num_leaves": 7, "min_data_in_leaf": 40,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1,
}  # fmt: skip
CUSTOMERS = COMMON | {"learning_rate": 0.06, "num_leaves": 15, "min_data_in_leaf": 60}


def lightgbm() -> Any:
    """The library; UnavailableError with what to install where it, or the OpenMP runtime that it needs, is missing."""
    try:
        import lightgbm as found
    except ModuleNotFoundError as error:
        raise UnavailableError(
            "the learned attackers need LightGBM. Install it with: pip install 'tranship[plan]' (or leave them out: --quick)"
        ) from error
    except OSError as error:
        raise UnavailableError(
            "LightGBM is installed, but the OpenMP runtime libgomp is not. Install it (Debian: apt-get install libgomp1), "
            "or leave the learned attackers out: --quick"
        ) from error
    return found


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear rule on standardized columns."""

    mean: Floats
    spread: Floats
    weights: Floats

    def predict(self, columns: Floats) -> Floats:
        """Its guess for each row."""
        found: Floats = (columns - self.mean) / self.spread @ self.weights
        return found


@dataclass(frozen=True, eq=False)
class Learned:
    """Trained attackers of one policy and one adversary. What they guess is a ranking: the unit means nothing.

    A part that had nothing to learn from (no order seen in training) is missing and guesses nothing.
    """

    adversary: Adversary
    trees: Any = None
    ridge: Ridge | None = None
    count: Any = None
    best: Any = None

    def growth(self, world: World, seen: Seen) -> dict[str, Floats]:
        """Each attacker's guess of every SKU's growth."""
        if self.ridge is None or not world.skus:
            return {}
        columns = of_skus(world, seen)
        return {"trees": self.trees.predict(columns), "ridge": self.ridge.predict(columns)}

    def customers(self, world: World, seen: Seen) -> dict[str, Floats]:
        """Each attacker's guess of how much every customer orders; -1 for those whose home it never saw."""
        found, columns = of_households(world, seen, priced=self.adversary is Adversary.NODE)
        out = {}
        for name, model in (("trees: count", self.count), ("trees: top", self.best)):
            if model is not None and len(found):
                of_household = np.full(world.households, -1.0)
                of_household[found] = model.predict(columns)
                out[name] = np.where(world.home >= 0, of_household[world.home], -1.0)
        return out


def train(
    pairs: Iterable[Pair], adversary: Adversary = Adversary.NODE, *, households: Iterable[Pair] | None = None
) -> Learned:
    """Train on other worlds and what a network saw of them under the policy that is judged.

    `households`: worlds to learn households from (default: the first of `pairs`). Same pairs, same attackers. Raises UnavailableError
    without LightGBM. `transit` learns nothing of SKUs: it sees none.
    """
    lgb, known = lightgbm(), list(pairs)
    trees = ridge = None
    if adversary is Adversary.NODE:
        trees, ridge = _growth(lgb, known)
    homes = known[:HOUSEHOLD_WORLDS] if households is None else list(households)
    count, best = _customers(lgb, homes, priced=adversary is Adversary.NODE)
    return Learned(adversary, trees, ridge, count, best)


class _Kept(msgspec.Struct):
    """Trained attackers as they are kept in a file."""

    adversary: str
    trees: str
    ridge: list[list[float]]
    count: str
    best: str


def dump(learned: Learned) -> bytes:
    """Attackers as bytes, to be kept: training takes longer than judging."""
    texts = [
        model.model_to_string() if model is not None else "" for model in (learned.trees, learned.count, learned.best)
    ]
    ridge = learned.ridge
    rows = [ridge.mean.tolist(), ridge.spread.tolist(), ridge.weights.tolist()] if ridge else []
    return msgspec.msgpack.encode(_Kept(learned.adversary.value, texts[0], rows, texts[1], texts[2]))


def load(kept: bytes) -> Learned:
    """Attackers from `dump`'s bytes; ValueError where they are none. They guess what they guessed before."""
    lgb = lightgbm()
    try:
        held = msgspec.msgpack.decode(kept, type=_Kept)
        models = [lgb.Booster(model_str=text) if text else None for text in (held.trees, held.count, held.best)]
    except (msgspec.MsgspecError, lgb.basic.LightGBMError) as error:
        raise ValueError("no attackers that can be read") from error
    ridge = Ridge(*[np.array(row) for row in held.ridge]) if held.ridge else None
    return Learned(Adversary(held.adversary), models[0], ridge, models[1], models[2])


def _growth(lgb: Any, pairs: list[Pair]) -> tuple[Any, Ridge | None]:
    tables, wanted = [], []
    for world, seen in pairs:
        true = slope(by_week(world, np.arange(len(world.at))))
        if world.skus and true.std() > 0 and len(seen.rows):
            tables.append(of_skus(world, seen))
            wanted.append((true - true.mean()) / true.std())
    if not tables:
        return None, None
    columns, target = np.concatenate(tables), np.concatenate(wanted)
    mean, spread = columns.mean(0), columns.std(0) + 1e-9
    plain = (columns - mean) / spread
    weights = np.linalg.solve(plain.T @ plain + RIDGE * np.eye(plain.shape[1]), plain.T @ (target - target.mean()))
    return lgb.train(GROWTH, lgb.Dataset(columns, target), 150), Ridge(mean, spread, weights)


def _customers(lgb: Any, pairs: list[Pair], *, priced: bool) -> tuple[Any, Any]:
    """Learn a household's orders of the span, and whether they are among the top, from what it showed."""
    tables, wanted, every = [], [], []
    for world, seen in pairs:
        found, columns = of_households(world, seen, priced=priced)
        mine = world.orders
        private = ~mine.b2b & (mine.household >= 0)
        true = np.bincount(mine.household[private], minlength=world.households)
        tables.append(columns)
        wanted.append(true[found].astype(np.float64))
        every.append(true)
    if not sum(map(len, tables)):
        return None, None
    columns, target, whole = np.concatenate(tables), np.concatenate(wanted), np.sort(np.concatenate(every))
    top = (target >= whole[-max(1, int(BEST * len(whole)))]).astype(np.int64)
    count = lgb.train(CUSTOMERS | {"objective": "poisson"}, lgb.Dataset(columns, target), 100)
    best = lgb.train(CUSTOMERS | {"objective": "binary"}, lgb.Dataset(columns, top), 80) if top.any() else None
    return count, best
