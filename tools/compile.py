"""Compile every kernel and keep it (`tranship.routing.kernel_jit`): two modules at a time, as each needs a core.

python -m tools.compile
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

MODULES = (
    "tranship.routing.kernel_stream",
    "tranship.routing.kernel",
    "tranship.routing.prices.kernel_stream",
    "tranship.routing.prices.kernel_revise",
    "tranship.routing.prices.kernel_dual",
)


def compiled(module: str) -> int:
    """Import a module in a process of its own: its entries are compiled then, or read where they are kept."""
    return subprocess.run([sys.executable, "-c", f"import {module}"], check=False).returncode


def main() -> None:
    """Compile all; fails where one does."""
    with ThreadPoolExecutor(2) as workers:
        sys.exit(max(workers.map(compiled, MODULES)))


if __name__ == "__main__":
    main()
