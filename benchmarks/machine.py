"""What every figure must be read with: the machine it was taken on, and how busy it was."""

import os
import platform
from pathlib import Path


def describe() -> dict[str, object]:
    """Processor, cores, Python, and the load average while the figure was taken."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": [round(x, 1) for x in os.getloadavg()],
    }
