"""Numbers and marks of the live page: how people read them, and the small drawings. No page state in here."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from tranship.engine.networks import LiveNow
from tranship.engine.view import Curve, NetworkNow, View

GAUGE_RADIUS = 52
STEPS = 60
"""Bars of a connection's trace."""
LONGEST_MS = 10_000
"""Its full height, unless an answer took longer."""
HUES = 6
"""Colors for networks, in app.css: `h0` is for capped networks, `h1` ... for the others in the file's order."""


def count(value: int) -> str:
    """12,345."""
    return f"{value:,}"


def percent(bp: int) -> str:
    """Basis points as a percentage with one digit, rounded up: a share never looks smaller than it is."""
    return f"{-(-bp // 10) / 10:.1f}"


def money(micros: int) -> str:
    """Micros as money."""
    return f"{micros / 1e6:,.2f}"


def ratio(part: int, whole: int, digits: int = 1) -> str:
    """`part` of `whole` as a percentage; a dash where there is nothing yet."""
    return f"{100 * part / whole:.{digits}f} %" if whole else "-"


def each(total: int, number: int) -> str:
    """Money for each of a number of things; a dash where there is none."""
    return money(total // number) if number else "-"


def hues(view: View) -> dict[str, str]:
    """A color class for each network: the same one on every page."""
    found, at = {}, 1
    for network in view.networks:
        if network.cap_bp:
            found[network.code] = "h0"
        else:
            found[network.code] = f"h{at}"
            at = at % (HUES - 1) + 1
    return found


def units(value: int) -> str:
    """1 unit, 2 units."""
    return f"{value:,} unit{'' if value == 1 else 's'}"


def stacks(curve: Curve, hue: Mapping[str, str], width: int = 600, height: int = 62) -> Markup:
    """Fulfillment orders by network as stacked bars, the newest to the right; the last one is still growing."""
    bars = [sum(values) for values in zip(*curve.networks.values(), strict=True)]
    top, step, out = max([*bars, 1]), width / max(len(bars), 1), []
    for i in range(len(bars)):
        y = float(height)
        now = " now" if i == len(bars) - 1 else ""
        for code, values in curve.networks.items():
            size = values[i] / top * (height - 1)
            y -= size
            if size:
                box = f'x="{i * step:.1f}" y="{y:.2f}" width="{step - 1.6:.1f}" height="{size:.2f}"'
                out.append(f'<rect class="{hue[code]}{now}" {box}/>')
        if not bars[i]:
            out.append(f'<rect class="none" x="{i * step:.1f}" y="{height - 1}" width="{step - 1.6:.1f}" height="1"/>')
    shape = f'viewBox="0 0 {width} {height}" preserveAspectRatio="none"'
    return Markup(f'<svg class="bars" {shape} aria-hidden="true">{"".join(out)}</svg>')  # noqa: S704 - numbers only


def gauge(network: NetworkNow) -> Markup:
    """A half circle from 0 to 100 %: the share as an arc, the cap as a mark with the forbidden part behind it."""
    share = min(network.share_bp, 10_000) / 10_000
    out = [f'<path class="track" d="{_arc(0, 1)}"/>']
    if network.cap_bp:
        out.append(f'<path class="beyond" d="{_arc(network.cap_bp / 10_000, 1)}"/>')
    if share > 0:
        out.append(f'<path class="share" d="{_arc(0, share)}"/>')
    if network.cap_bp:
        (x1, y1), (x2, y2) = _point(network.cap_bp / 10_000, 40), _point(network.cap_bp / 10_000, 66)
        out.append(f'<line class="cap" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    return Markup(f'<svg class="gauge" viewBox="0 0 144 78" aria-hidden="true">{"".join(out)}</svg>')  # noqa: S704


def shelf(values: Sequence[tuple[str, int]], whole: int, width: int = 300) -> Markup:
    """A stacked bar: (class, value) from left to right, `whole` is the full width."""
    out, x = [f'<rect class="track" width="{width}" height="10" rx="3"/>'], 0.0
    for kind, value in values:
        size = value / whole * width if whole else 0
        if size >= 0.05:
            out.append(f'<rect class="{kind}" x="{x:.2f}" width="{size:.2f}" height="10" rx="1.5"/>')
        x += size
    return Markup(  # noqa: S704
        f'<svg class="shelf" viewBox="0 0 {width} 10" preserveAspectRatio="none" aria-hidden="true">{"".join(out)}</svg>'
    )


def trace(live: LiveNow, width: int = 480, height: int = 46) -> Markup:
    """How long answers took over the last two minutes, on a logarithmic scale; red where some did not come, amber above slow."""
    most = max(LONGEST_MS, *(ms for ms, _ in live.trace)) if live.trace else LONGEST_MS
    step, out = width / STEPS, []

    def size(ms: int) -> float:
        return height * math.log1p(ms) / math.log1p(most)

    for i, (ms, failed) in enumerate(live.trace):
        x = (STEPS - len(live.trace) + i) * step
        if not ms:
            out.append(f'<rect class="none" x="{x:.1f}" y="{height - 1}" width="{step - 1.2:.1f}" height="1"/>')
            continue
        kind = "failed" if failed else "slow" if live.slow_ms and ms > live.slow_ms else "ok"
        tall = max(2.0, size(ms))
        out.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{height - tall:.1f}" width="{step - 1.2:.1f}" height="{tall:.1f}"/>'
        )
    if live.slow_ms:
        y = height - size(live.slow_ms)
        out.append(f'<line x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
    shape = f'viewBox="0 0 {width} {height}" preserveAspectRatio="none"'
    return Markup(f'<svg class="trace" {shape} aria-hidden="true">{"".join(out)}</svg>')  # noqa: S704 - numbers only


def _point(share: float, radius: float) -> tuple[float, float]:
    angle = math.pi * (1 - share)
    return 72 + radius * math.cos(angle), 72 - radius * math.sin(angle)


def _arc(start: float, end: float) -> str:
    (x1, y1), (x2, y2) = _point(start, GAUGE_RADIUS), _point(end, GAUGE_RADIUS)
    return f"M{x1:.2f} {y1:.2f}A{GAUGE_RADIUS} {GAUGE_RADIUS} 0 0 1 {x2:.2f} {y2:.2f}"


def span(seconds: int) -> str:
    """A length of time as a word: minute, hour, or so many seconds."""
    return {60: "minute", 1200: "20 min", 3600: "hour", 86_400: "day"}.get(seconds, f"{seconds} s")
