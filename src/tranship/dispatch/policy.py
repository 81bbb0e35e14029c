"""How patient the hand-over is: waiting times between calls and limits after which a person is asked. All settings have ranges."""

import zlib

import msgspec

SECOND = 1_000_000
"""Times are UTC microseconds."""
HOUR = 3_600 * SECOND


class Patience(msgspec.Struct, frozen=True):
    """Waiting times in seconds; the ranges are those that `tranship check` allows."""

    retry_s: int = 2  # 1-60: first wait after a call without an answer; doubled each time
    most_retry_s: int = 60  # 1-3,600: longest such wait
    look_s: int = 5  # 1-600: between an accepted cancellation and the look whether it happened
    held_look_s: int = 3_600  # 60-86,400: between two looks at an order on hold
    live_look_s: int = 1_800  # 60-86,400: between two looks at an order that lists and notifications are silent about
    quarantine_look_s: int = 600  # 60-86,400: between two looks at what a person was asked about
    resolve_limit_s: int = 3_600  # 60-86,400: a call-back, or a doubt, without proof goes to a person after it

    def wait(self, remote_id: str, tries: int) -> int:
        """Microseconds until the next try: doubled each time, up to the limit, and spread by a quarter so that calls do not meet."""
        most = min(self.most_retry_s, self.retry_s << min(tries, 16)) * SECOND
        spread = zlib.crc32(f"{remote_id}{tries}".encode()) % 1024
        return most - most * spread // 4096


DEFAULT = Patience()
