#!/bin/sh
# Take a picture of a report for docs/images: tools/shots.sh report.html [picture.png] [width,height]. Run by `make shots`.
# Needs chromium (Debian: apt-get install chromium). The page must not need the network; chromium gets none.
set -eu

page=${1:?which report? make shots REPORT=path/to/report.html}
picture=${2:-$(dirname "$0")/../docs/images/report.png}
size=${3:-1280,1500}
[ -f "$page" ] || { echo "tranship: no such report: $page" >&2; exit 1; }

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || { echo "tranship: chromium is missing (Debian: apt-get install chromium)" >&2; exit 1; }

profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
mkdir -p "$(dirname "$picture")"
page=$(cd "$(dirname "$page")" && pwd)/$(basename "$page")
picture=$(cd "$(dirname "$picture")" && pwd)/$(basename "$picture")

sandbox=
[ "$(id -u)" -ne 0 ] || sandbox=--no-sandbox # chromium refuses to start as root otherwise
"$browser" --headless $sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1.5 --window-size="$size" \
    --host-resolver-rules="MAP * ~NOTFOUND" --user-data-dir="$profile" --virtual-time-budget=5000 \
    --screenshot="$picture" "file://$page" >/dev/null 2>&1
echo "tranship: $picture ($(wc -c <"$picture") bytes)" >&2
