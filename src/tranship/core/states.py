"""States of the United States: abbreviation to IANA time zone of most of its people (a state's minority zones are ignored)."""

_EAST, _CENTRAL, _MOUNTAIN, _PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"

STATE_ZONES: dict[str, str] = {
    **dict.fromkeys(
        "CT DE DC FL GA IN KY ME MD MA MI NH NJ NY NC OH PA RI SC VT VA WV".split(),
        _EAST,
    ),
    **dict.fromkeys("AL AR IL IA KS LA MN MS MO NE ND OK SD TN TX WI".split(), _CENTRAL),
    **dict.fromkeys("CO ID MT NM UT WY".split(), _MOUNTAIN),
    **dict.fromkeys("CA NV OR WA".split(), _PACIFIC),
    "AZ": "America/Phoenix",
    "AK": "America/Anchorage",
    "HI": "Pacific/Honolulu",
    "PR": "America/Puerto_Rico",
    "VI": "America/St_Thomas",
    "GU": "Pacific/Guam",
    "AS": "Pacific/Pago_Pago",
    "MP": "Pacific/Saipan",
}
"""Time zone by state; source: the time zone of the state's largest city in the IANA database."""

DEFAULT_ZONE = _EAST
"""Zone of a destination without a known state."""


def zone_of_state(state: str) -> str:
    """IANA zone in which a promise to this state is counted."""
    return STATE_ZONES.get(state, DEFAULT_ZONE)
