"""A network as the truth has it: what it was told, what it does, and what left it. It answers truthfully, though late by its read lag."""

from collections.abc import Callable
from random import Random
from zlib import crc32

import msgspec

from tranship.core.capability import Capability
from tranship.dispatch.model import Parcel, Report, Result
from tranship.sim.handover.loop import HOUR, SECOND, Loop

Lines = tuple[tuple[str, int], ...]
OPEN = frozenset({"HELD", "PROCESSING"})
"""Words of an order that can still be called back."""


class Nature(msgspec.Struct, frozen=True):
    """What a network does by itself, each with its share of 1."""

    frozen: float = 0.0  # planned for a day before anything is picked
    refuses: float = 0.0  # creation refused
    ends: float = 0.0  # unfulfillable after it was accepted
    partial: float = 0.0  # only a part of it ships
    breaks_off: float = 0.0  # a parcel leaves, then the rest is cancelled
    late_cancel_s: int = 30  # an accepted cancellation is carried out within
    plan_s: int = 1_800  # from release to the pick, at most
    pick_s: int = 3_600  # from pick to the carrier, at most


class Held:
    """One order there."""

    __slots__ = ("history", "hold", "lines", "parcels", "remote_id", "short", "word")

    def __init__(self, remote_id: str, lines: Lines, hold: bool, now: int) -> None:
        self.remote_id, self.lines, self.hold = remote_id, lines, hold
        self.word = "HELD" if hold else "PROCESSING"
        self.parcels: tuple[Parcel, ...] = ()
        self.short: Lines = ()
        self.history: list[tuple[int, str, tuple[Parcel, ...], Lines]] = [(now, self.word, (), ())]


class Network:
    """Orders by the id they were given. `told` hears each change as a report; `left` is the truth of what shipped."""

    def __init__(self, name: str, can: Capability, nature: Nature, loop: Loop, rng: Random) -> None:
        self.name, self.can, self.nature, self.loop, self.rng = name, can, nature, loop, rng
        self.orders: dict[str, list[Held]] = {}
        self.used: set[str] = set()
        self.left: dict[str, dict[str, int]] = {}  # remote id -> line -> units that shipped
        self.told: Callable[[Report], None] | None = None

    # -- calls --------------------------------------------------------------------------------------------------------

    def create(self, remote_id: str, lines: Lines, hold: bool) -> Result:
        """Take an order, unless its id is taken."""
        if self.can.client_id_unique and (remote_id in self.used or self._occupied(remote_id)):
            return Result("exists", their_id=f"T{remote_id}")
        if (
            crc32(remote_id.encode()) % 1000 < self.nature.refuses * 1000
        ):  # a refusal is a word on the content: it stays
            return Result("refused", detail="not served")
        if self.can.id_burned_after_cancel:
            self.used.add(remote_id)
        held = Held(remote_id, lines, hold, self.loop.now)
        self.orders.setdefault(remote_id, []).append(held)
        self._plan(held)
        return Result("ok", held.word, their_id=f"T{remote_id}")

    def release(self, remote_id: str) -> Result:
        """Let what is on hold ship."""
        found = self._living(remote_id)
        if found is None:
            return Result("refused", detail="no such order on hold")
        if found.hold:
            found.hold = False
            self._becomes(found, "PROCESSING")
            self._plan(found)
        return Result("ok")

    def cancel(self, remote_id: str) -> Result:
        """Call it back; where cancellations are asynchronous, accepting one proves nothing."""
        if self.can.cancel == "none":
            return Result("refused", detail="not offered")
        found = self._living(remote_id)
        if found is None:
            return Result("refused" if remote_id in self.orders else "not_found")
        if self.can.cancel == "sync":
            self._ends(found, "CANCELLED")
            return Result("ok", "CANCELLED")
        self.loop.after(int(self.rng.random() * self.nature.late_cancel_s * SECOND), self._ends, found, "CANCELLED")
        return Result("ok", accepted_only=True)

    def get(self, remote_id: str) -> Result:
        """How it stood a moment ago: up to the read lag."""
        lag = int(self.rng.random() * self.can.read_lag_s * SECOND)
        for held in reversed(self.orders.get(remote_id, ())):
            for since, word, parcels, short in reversed(held.history):
                if since <= self.loop.now - lag:
                    return Result("ok", word, f"T{remote_id}", parcels=parcels, short=short)
        return Result("not_found")

    def ask(self, op: str, remote_id: str, lines: Lines, hold: bool) -> Result:
        """One of the calls by its name."""
        if op == "get":
            return self.get(remote_id)
        if op == "create":
            return self.create(remote_id, lines, hold)
        return self.release(remote_id) if op == "release" else self.cancel(remote_id)

    def forbid(self, remote_id: str) -> bool:
        """A person calls them: it is ended and its id blocked, unless it can no longer be; True where it will not ship."""
        for held in self.orders.get(remote_id, ()):
            self._ends(held, "CANCELLED")
            if held.word not in {"CANCELLED", "UNFULFILLABLE"}:
                return False
        self.used.add(remote_id)
        return True

    # -- what goes on there -------------------------------------------------------------------------------------------

    def _occupied(self, remote_id: str) -> bool:
        """Whether its id is taken; a network that does not burn ids frees one of which nothing left when it is cancelled."""
        ended = {"CANCELLED", "UNFULFILLABLE"}
        return any(held.parcels or held.word not in ended for held in self.orders.get(remote_id, ()))

    def _living(self, remote_id: str) -> Held | None:
        for held in self.orders.get(remote_id, ()):
            if held.word in OPEN:
                return held
        return None

    def _plan(self, held: Held) -> None:
        if held.hold:
            return
        wait = int(self.rng.random() * self.nature.plan_s * SECOND)
        if self.rng.random() < self.nature.frozen:
            wait += 24 * HOUR
        self.loop.after(wait, self._pick, held)

    def _pick(self, held: Held) -> None:
        if held.word != "PROCESSING":
            return
        if self.rng.random() < self.nature.ends:
            self._becomes(held, "UNFULFILLABLE")
            return
        if len(held.lines) > 1 and self.rng.random() < self.nature.breaks_off:
            self._parcel(held, held.lines[:1])
            held.short = held.lines[1:]
            self._becomes(held, "CANCELLED")
            return
        self._becomes(held, "PICKING")
        self.loop.after(int(self.rng.random() * self.nature.pick_s * SECOND), self._ship, held)

    def _ship(self, held: Held) -> None:
        cut = 1 if len(held.lines) > 1 and self.rng.random() < self.nature.partial else len(held.lines)
        self._parcel(held, held.lines[:cut])
        held.short = held.lines[cut:]
        self._becomes(held, "COMPLETE_PARTIAL" if held.short else "COMPLETE")

    def _parcel(self, held: Held, lines: Lines) -> None:
        number = f"{held.remote_id}/{len(held.parcels) + 1}"
        held.parcels = (*held.parcels, Parcel(number, "UPS", "1Z" + number, lines, "SHIPPED", self.loop.now))
        gone = self.left.setdefault(held.remote_id, {})
        for line, units in lines:
            gone[line] = gone.get(line, 0) + units

    def _ends(self, held: Held, word: str) -> None:
        if held.word in OPEN:
            self._becomes(held, word)

    def _becomes(self, held: Held, word: str) -> None:
        held.word = word
        held.history.append((self.loop.now, word, held.parcels, held.short))
        if self.told is not None:
            self.told(Report(held.remote_id, word, f"T{held.remote_id}", held.parcels, held.short))
