"""A service with a mistake that was put in on purpose: what no answer came for counts as not sent, and is sent anew."""

import sys

from tranship.cli.main import main
from tranship.dispatch import rules
from tranship.dispatch.model import DOUBT_CREATE, REJECTED, SENDING, Dispatch
from tranship.dispatch.rules import Terms

_careful = rules._unheard


def _careless(d: Dispatch, op: str, now: int, terms: Terms) -> Dispatch:
    if op == "create" and d.state in {SENDING, DOUBT_CREATE}:
        return rules._state(d, REJECTED, now)
    return _careful(d, op, now, terms)


if __name__ == "__main__":
    rules._unheard = _careless
    main(sys.argv[1:])
