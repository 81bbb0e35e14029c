#!/usr/bin/env bash
# `make demo` as a newcomer runs it: it has to start, its numbers have to move, and it has to stop by itself. No look at the clock:
# the demo ends after its own seconds, and the lines it printed are counted.
set -euo pipefail
cd "$(dirname "$0")/.."
said=$(mktemp)
trap 'rm -f "$said"' EXIT
timeout 300 make --no-print-directory demo ARGS="--port 0 --seconds 20 --json" >"$said"
.venv/bin/python - "$said" <<'PY'
import json
import sys

lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8") if line.startswith("{")]
counts = [line["orders"] for line in lines if "orders" in line]
shares = [n["max_share_bp"] for line in lines if "networks" in line for n in line["networks"] if n["cap_bp"]]
if len(counts) < 3 or counts != sorted(set(counts)):
    sys.exit(f"the demo's numbers did not move: orders {counts}")
if max(shares) > 6000:
    sys.exit(f"the demo went over its cap: {max(shares)} basis points")
print(f"the demo moved: orders {counts}, highest window share {max(shares) / 100:.1f} %")
PY
