"""What a running service does for its vault by itself, a piece at a time: expired values, old keys, keys that are due for a change."""

import os

from tranship.core.errors import InputError
from tranship.masking.rows import SEAL, WRITE
from tranship.masking.vault.session import MaskingVault
from tranship.store.port import Store
from tranship.store.vaulting import EPOCH_US, PIECE_ROWS, Upkeep

ROTATE_VARIABLE = "TRANSHIP_MASKING_ROTATE_DAYS"
ROTATE_MOST_DAYS = 3_650
ROUND_US = 3_600_000_000
"""How often all tokens are looked at for values that expired: once an hour."""
_DAY_US = 86_400_000_000


class Caretaker:
    """Sweeps, seals anew and destroys in turns of one bounded piece each. One thread calls it."""

    def __init__(
        self, store: Store, vault: MaskingVault, *, rotate_days: int | None = None, epoch_us: int = EPOCH_US
    ) -> None:
        """`rotate_days`: masking keys that are older get successors; 0 never does. By default what TRANSHIP_MASKING_ROTATE_DAYS says."""
        self._upkeep, self._vault, self._epoch_us = Upkeep(store, vault), vault, epoch_us
        self._rotate_us = (rotate_days_said() if rotate_days is None else rotate_days) * _DAY_US
        self._after = 0
        self._swept_at = self._sealed_at = 0
        self._sweeping = self._sealing = False

    def turn(self) -> bool:
        """One piece of what is due; True where there is more of it now. Errors of keys and store are the caller's to bear."""
        now = self._vault.now()
        if not self._sweeping and not self._sealing:
            self._begin(now)
        if self._sweeping:
            piece = self._upkeep.sweep(self._after, PIECE_ROWS)
            self._after, self._sweeping = (0 if piece.done else piece.after), not piece.done
            if piece.done:
                self._swept_at = now
                self._sealing = self._sealing_is_due(now)
        elif self._sealing:
            piece = self._upkeep.reseal(self._after, PIECE_ROWS)
            self._after, self._sealing = (0 if piece.done else piece.after), not piece.done
            if piece.done:
                self._sealed_at = now
                self._upkeep.destroy(epoch_us=self._epoch_us)
        return self._sweeping or self._sealing

    def _begin(self, now: int) -> None:
        if self._rotate_us and any(
            row.state == WRITE and row.purpose == SEAL and 0 < row.created_at <= now - self._rotate_us
            for row in self._vault.keys.rows()
        ):
            self._upkeep.rotate()
            self._sealed_at = 0
        self._sweeping = now - self._swept_at >= ROUND_US
        self._sealing = not self._sweeping and self._sealing_is_due(now)

    def _sealing_is_due(self, now: int) -> bool:
        return now - self._sealed_at >= self._epoch_us and bool(self._upkeep.reading())


def rotate_days_said() -> int:
    """After how many days masking keys are changed, as the environment says; 0 where it says nothing. InputError for anything else."""
    text = os.environ.get(ROTATE_VARIABLE, "") or "0"
    if not text.isascii() or not text.isdigit() or int(text) > ROTATE_MOST_DAYS:
        raise InputError(f"is no number of days from 0 to {ROTATE_MOST_DAYS}", where=ROTATE_VARIABLE)
    return int(text)
