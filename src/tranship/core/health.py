"""Settings of node health: when a connection or node counts as sick, and how work returns to it. Ranges: docs/network-file.md."""

import msgspec


class Health(msgspec.Struct, frozen=True):
    """The defaults detect within 10 s at two calls a second (docs/health.md). Shares are basis points."""

    window_s: int = 60  # calls that began in the last so many seconds are looked at
    min_calls: int = 5  # calls below which nothing is concluded; a quiet window reaches back until it has twelve
    evidence_milli: int = 12_000  # thousandths of a nat: how much more likely sick than healthy has to be
    sick_bp: int = 1_500  # a sick interface fails this often, and hangs this often: what detection is sharpest at
    slow_bp: int = 20_000  # a call that takes longer than this much of the usual p99 is slow, finished or not
    usual_ms: int = 1_500  # what is taken for the usual p99 before any is known
    floor_ms: int = 250  # no call is slow below this
    stalled_bp: int = 3_000  # share of accepted orders without progress at which it is sick
    stalled_min: int = 5  # such orders at least
    open_s: int = 20  # seconds open before the first probe
    open_most_s: int = 300  # the longest that relapses make of it: each doubles it
    probes: int = 5  # good probes in a row that end the probing
    probe_s: int = 2  # seconds between two probes
    step_s: int = 60  # seconds at each step of the return: 10, 25, 50, 100 % of new work
    calm_s: int = 900  # seconds without relapse after which earlier openings no longer count
