"""Loaded by Python before anything else where a test puts this folder on its path: the clock shows the moment of $TRANSHIP_TEST_CLOCK."""

import datetime as dt
import os
import time

_SAID = os.environ.get("TRANSHIP_TEST_CLOCK")
if _SAID:
    _start = dt.datetime.fromisoformat(_SAID).replace(tzinfo=dt.UTC).timestamp()
    _real, _began = time.monotonic, time.monotonic()
    time.time = lambda: _start + _real() - _began
    time.time_ns = lambda: int(time.time() * 1e9)
