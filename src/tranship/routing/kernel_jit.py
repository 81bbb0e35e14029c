"""Where compiled kernels are kept, and the one typed door to numba.

Compiled code is cached in a directory named by a hash of the kernel's own sources and numba's version: numba itself only looks at
the file of the outermost function, so a change in an inner module would otherwise run stale code. Importing this module imports numba.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_numba: Any = numba  # its type information knows neither `_nrt` nor the settings that `config` fills in at import
F = TypeVar("F", bound=Callable[..., Any])


def cache_home() -> Path:
    """The directory for derived data: $TRANSHIP_CACHE, else $XDG_CACHE_HOME/tranship, else ~/.cache/tranship."""
    own = os.environ.get("TRANSHIP_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tranship"


def _writable(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def _sources_hash() -> str:
    digest = hashlib.blake2b(f"{numba.__version__} {sys.version_info[:2]}".encode(), digest_size=8)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        source = path.read_bytes()
        if b"import" in source and (b"kernel_jit" in source or path.name.startswith("kernel")):
            digest.update(source)
    return digest.hexdigest()


def cache_directory() -> str:
    """Directory of this version's compiled code; empty where nothing can be written (then each process compiles)."""
    base = os.environ.get("NUMBA_CACHE_DIR")
    path = Path(base) if base else cache_home() / "numba"
    path = path / f"kernel-{_sources_hash()}"
    return str(path) if _writable(path) else ""


CACHE_DIRECTORY = cache_directory()


def inner(function: F) -> F:
    """Compile `function` as a part of the kernel; it is compiled and cached within the entry that calls it.

    Inner functions must not allocate: without numba's reference counting (some fifty atomic steps for each access to a tuple of arrays)
    the search is several times faster. The entries make all room.
    """
    return cast(F, _numba.njit(error_model="numpy", _nrt=False)(function))


def inlined(function: F) -> F:
    """As `inner`, for what runs for every order: many arrays in tuples are dear to hand over, so the body goes where it is called."""
    return cast(F, _numba.njit(error_model="numpy", _nrt=False, forceinline=True)(function))


def allocating(function: F) -> F:
    """Compile a part of the kernel that makes arrays: called once an order, by an entry."""
    return cast(F, _numba.njit(error_model="numpy")(function))


def entry(signature: str) -> Callable[[F], F]:
    """Compile a function that Python calls, for exactly one signature (other types are refused), cached on disk."""

    def compiled(function: F) -> F:
        before = _numba.config.CACHE_DIR
        try:
            if CACHE_DIRECTORY:
                _numba.config.CACHE_DIR = CACHE_DIRECTORY
            compile_now = _numba.njit([signature], cache=bool(CACHE_DIRECTORY), error_model="numpy", nogil=True)
            return cast(F, compile_now(function))
        finally:
            _numba.config.CACHE_DIR = before

    return compiled
