"""JSON of somebody else's, where there is only one way to read it."""

import json
from typing import Any, NoReturn

from tranship.masking.policy.checking import unique


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_read = json.JSONDecoder(object_pairs_hook=unique, parse_constant=_no_constant).decode


def parsed(body: bytes) -> Any:
    """What a body says. ValueError or RecursionError where it is not JSON in UTF-8 with unique keys; they hold pieces of it.

    Half of a surrogate pair may be written as an escape and is no text: nothing can seal it or send it on.
    """
    found = _read(body.decode("utf-8"))
    if b"\\ud" in body or b"\\uD" in body:
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # UnicodeEncodeError, a ValueError
    return found
