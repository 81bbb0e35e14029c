"""Code 128 (set B) as SVG, so that a hand scanner reads an order's id from the paper. Source of the widths: ISO/IEC 15417, table 1."""

_WIDTHS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 "
    "223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 "
    "112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 "
    "311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 "
    "122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 "
    "214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
).split()
_START_B, _STOP = 104, 106
_QUIET = 10


def modules(text: str) -> list[int]:
    """Widths of bars and gaps, in turn, beginning with a bar; ValueError for what is not printable ASCII."""
    if not text or not all(" " <= letter <= "~" for letter in text):
        raise ValueError("a barcode holds printable ASCII")
    values = [ord(letter) - 32 for letter in text]
    check = (_START_B + sum(place * value for place, value in enumerate(values, start=1))) % 103
    return [int(width) for value in (_START_B, *values, check, _STOP) for width in _WIDTHS[value]]


def svg(text: str, height: int = 30) -> str:
    """The barcode as inline SVG, one unit wide for each module, quiet zones included."""
    at, bars = _QUIET, []
    for place, width in enumerate(modules(text)):
        if place % 2 == 0:
            bars.append(f"M{at} 0h{width}v{height}h-{width}z")
        at += width
    return (
        f'<svg class="code" viewBox="0 0 {at + _QUIET} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="Barcode"><path d="{"".join(bars)}"/></svg>'
    )
