"""Our line ids as the whole numbers that ShipBob takes (`external_line_id`) and gives back."""

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-"
_BASE = len(_LETTERS)
_FROM = 1_000_000_000
"""Below are ids that are numbers themselves, above are all others. Up to 5 characters stay within 32 bits, 8 within 53."""
LONGEST = 8


def number_of(line_id: str) -> int:
    """The number of a line id; ValueError for one that is too long or has other characters.

    >>> number_of("7"), number_of("L1"), name_of(number_of("L1"))
    (7, 1000001388, 'L1')
    """
    if line_id.isascii() and line_id.isdecimal() and not line_id.startswith("0") and len(line_id) <= 9:
        return int(line_id)
    if not 1 <= len(line_id) <= LONGEST:
        raise ValueError(f"a line id has 1 to {LONGEST} characters here")
    number = 0
    for letter in line_id:
        number = number * _BASE + _LETTERS.index(letter) + 1
    return _FROM + number


def name_of(number: int) -> str:
    """The line id of a number; "" for a number that is none."""
    if 1 <= number < _FROM:
        return str(number)
    rest = number - _FROM
    letters: list[str] = []
    while rest > 0 and len(letters) <= LONGEST:
        rest, place = divmod(rest - 1, _BASE)
        letters.append(_LETTERS[place])
    return "".join(reversed(letters)) if 1 <= len(letters) <= LONGEST else ""
