"""Measurements behind the figures of docs/performance.md; each runs as `python -m benchmarks.NAME --json`."""
