"""The process that makes a price book: a snapshot comes in on stdin, the book's document goes out on stdout.

Started with the solver's name (`module:function`) as its only argument. Its own process, so that the writer never waits for
it, its memory is given back, and it can be ended at any moment.
"""

import contextlib
import importlib
import os
import pickle
import sys

from tranship.routing.prices.model import PriceBook, encode

NICER = 10
"""Steps by which it gives way to the writer."""


def main() -> None:
    """Read, solve, write. Whatever goes wrong ends it with a traceback on stderr and an exit code."""
    with contextlib.suppress(AttributeError, OSError):  # not on Windows
        os.nice(NICER)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the solver prints must not get into the answer
    module, _, name = sys.argv[1].partition(":")
    snapshot = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - written by the process that started this one
    book = getattr(importlib.import_module(module), name)(snapshot)
    if not isinstance(book, PriceBook):
        raise TypeError(f"the solver returned {type(book).__name__}, not a price book")
    with answer:
        answer.write(encode(book))


if __name__ == "__main__":
    main()
