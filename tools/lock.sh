#!/bin/sh
# Write requirements.lock from pyproject.toml: one universal lock (every system, every Python from 3.11) with hashes.
# Run by `make lock`; needs uv and the network. Versions already locked stay unless UPGRADE=1.
set -eu
cd "$(dirname "$0")/.."

draft=$(mktemp)
trap 'rm -f "$draft"' EXIT
if [ -z "${UPGRADE:-}" ] && [ -f requirements.lock ]; then
    grep -v '^#' requirements.lock >"$draft" || true
fi

# No index, no header and no annotations: the lock must not name a host or a folder of the machine that wrote it.
uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes --only-binary :all: \
    --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file "$draft"

if grep -n '://' "$draft"; then
    echo "tranship: the lock names a host (lines above); nothing was written" >&2
    exit 1
fi
{
    echo "# Every package of Tranship and of its checks, with hashes. Written by tools/lock.sh; do not edit."
    cat "$draft"
} >requirements.lock
echo "tranship: $(grep -c '==' requirements.lock) packages locked" >&2
