"""Tranship: ship through anyone's supply chain without being owned by it.

`import tranship` is the Python API (docs/python-api.md). Its names are loaded when they are first used, so that the import costs
nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tranship.library import (
        ConflictError,
        DamageError,
        Destination,
        InputError,
        InvariantError,
        Order,
        OrderLine,
        Person,
        Run,
        TranshipError,
        UnavailableError,
        check,
        explain,
        init,
        load,
        open_run,
        prices,
        quote,
        replay,
        report,
        verify,
    )

__all__ = [
    "ConflictError",
    "DamageError",
    "Destination",
    "InputError",
    "InvariantError",
    "Order",
    "OrderLine",
    "Person",
    "Run",
    "TranshipError",
    "UnavailableError",
    "check",
    "explain",
    "init",
    "load",
    "open_run",
    "prices",
    "quote",
    "replay",
    "report",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'tranship' has no attribute {name!r}")
    from tranship import library

    value = getattr(library, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
