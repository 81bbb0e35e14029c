"""Settings of the service, each with its range. A limit on everything that comes from outside."""

from dataclasses import dataclass, field, fields

from tranship.wire.settings import TokenPlace, check_ranges, check_token

TOKEN = TokenPlace("TRANSHIP_TOKEN", "TRANSHIP_TOKEN_FILE")


@dataclass(frozen=True)
class ApiSettings:
    """How the service is reached and what it lets in."""

    host: str = "127.0.0.1"  # a loopback address, unless there is a token
    port: int = 8000  # 0 .. 65,535; 0: any free one
    token: str = field(
        default="", repr=False
    )  # what callers must show (Authorization: Bearer); at least 16 characters; empty: on loopback only
    tick_s: float = 60  # 0.1 .. 3,600 real seconds between two ticks of the clock
    body_bytes_max: int = 1_048_576  # 1,024 .. 16 MiB: one order
    bulk_bytes_max: int = 67_108_864  # 1,024 .. 1 GiB: one bulk request
    bulk_lines_max: int = 50_000  # 1 .. 1,000,000: orders in one bulk request
    bulk_in_flight_max: int = 500  # 1 .. 5,000: orders of one bulk request that wait for their commit at a time
    body_timeout_s: float = 20  # 0.1 .. 600: for a whole body of one order, and between two pieces of a bulk request
    head_timeout_s: float = 10  # 0.1 .. 600: for a whole request line with its headers
    head_bytes_max: int = 32_768  # 1,024 .. 1 MiB: the same in bytes
    requests_max: int = 2_000  # 1 .. 100,000: at a time; above, callers are told to come back
    streams_max: int = 200  # 1 .. 10,000: event streams at a time
    explanations_max: int = 4  # 1 .. 64: explanations being made at a time, others wait
    rate_per_s: float = 0  # 0 .. 1,000,000: requests (and lines of bulk requests) a second and caller; 0: no limit
    rate_burst: int = 100  # 1 .. 1,000,000: what a caller that was quiet may ask for at once

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_token(self.token, self.host, TOKEN)


_RANGES: dict[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "tick_s": (0.1, 3_600),
    "body_bytes_max": (1_024, 16 * 1_048_576),
    "bulk_bytes_max": (1_024, 1_073_741_824),
    "bulk_lines_max": (1, 1_000_000),
    "bulk_in_flight_max": (1, 5_000),
    "body_timeout_s": (0.1, 600),
    "head_timeout_s": (0.1, 600),
    "head_bytes_max": (1_024, 1_048_576),
    "requests_max": (1, 100_000),
    "streams_max": (1, 10_000),
    "explanations_max": (1, 64),
    "rate_per_s": (0, 1_000_000),
    "rate_burst": (1, 1_000_000),
}
assert {each.name for each in fields(ApiSettings)} == {*_RANGES, "host", "token"}, "a setting without a range"
