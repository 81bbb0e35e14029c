"""A small run on SQLite, played through the real engine: what the report and the comparison are tested on."""

import random
from collections.abc import Sequence
from pathlib import Path

from tests.engine import worlds
from tranship.core.network import NetworkFile, ShareCap
from tranship.core.order import Destination
from tranship.engine import commands as cmd
from tranship.engine.events import FileTaken
from tranship.engine.shard import Shard, Submission

PLACES = (("10001", "NY"), ("94103", "CA"), ("60601", "IL"), ("77002", "TX"), ("99501", "AK"), ("00901", "PR"))
SKUS = ("MUG", "TEE", "CAP")


def taken(read: int, accepted: int, at: int = worlds.MONDAY - worlds.HOUR, **words: object) -> Submission:
    """The submission that books a file of orders."""
    fields: dict[str, object] = {
        "source": "test", "file": "orders.csv", "sha256": "ab" * 32, "read": read, "accepted": accepted,
        "rejected": read - accepted, "reasons": {"not_goods": read - accepted} if read > accepted else {},
        "banner": ("Stock is derived.",), "notes": ("times are read in UTC",), "at": at,
    }  # fmt: skip
    return Submission("file/1", cmd.TakeFile(FileTaken(**(fields | words))))  # type: ignore[arg-type]


def play(
    folder: Path,
    orders: int = 60,
    *,
    seed: int = 7,
    caps: Sequence[ShareCap] = worlds.cap(),
    stock: int = 40,
    **changes: object,
) -> NetworkFile:
    """Play `orders` random orders over two weeks, with receipts, ticks, voids, returns and a cancellation of nothing."""
    draw = random.Random(seed)
    document = worlds.network(caps=tuple(caps), **changes)
    shard = worlds.sqlite(folder)
    submissions = [worlds.loading(document)]
    lines, events = 0, []
    for node in (worlds.AMZ, worlds.PL, worlds.OWN):
        submissions.append(worlds.receiving(document, f"opening-{node}", node, MUG=stock, TEE=stock, CAP=stock))
    for i in range(orders):
        at = worlds.MONDAY + i * 14 * worlds.DAY // max(1, orders)
        codes = draw.sample(SKUS, draw.choice((1, 1, 2)))
        zip_code, state = draw.choice(PLACES)
        wanted = [(code, draw.choice((1, 2, 5, 40))) for code in codes]
        made = worlds.order(i, *wanted, placed_at=at, to=Destination(zip_code, state))
        lines += len(wanted)
        events.append((at, worlds.placing(made)))
        if i % 7 == 3:
            back = cmd.TakeBack(f"test:{i}", "1", 1, f"C{i}", at + worlds.HOUR * draw.choice((1, 80)))
            events.append((back.at, Submission(f"cancel/{i}", back)))
            lines += 1
    for day in range(30):
        at = worlds.MONDAY + day * worlds.DAY + 12 * worlds.HOUR
        events.append((at, Submission(f"tick/{day}", cmd.Tick(at))))
    later = worlds.MONDAY + 3 * worlds.DAY
    events.append((later, worlds.receiving(document, "later", worlds.PL, later, MUG=60, TEE=60)))
    if orders:
        events.append(
            (worlds.MONDAY + worlds.DAY, Submission("cancel/x", cmd.TakeBack("test:x", "1", 1, "CX", worlds.MONDAY)))
        )
        lines += 1
    submissions += [taken(lines + 3, lines)]
    submissions += [submission for _, submission in sorted(events, key=lambda pair: pair[0])]
    submit(shard, submissions)
    shard.store.close()
    return document


def submit(shard: Shard, submissions: Sequence[Submission]) -> None:
    """Submit in batches; every one must be carried out."""
    for start in range(0, len(submissions), 100):
        for answer in shard.submit(submissions[start : start + 100]):
            assert answer.error is None, answer.error
