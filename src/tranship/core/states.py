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


_ZIP3_RANGES = """
NY:005 PR:006-007 VI:008 PR:009 MA:010-027 RI:028-029 NH:030-038 ME:039-049 VT:050-054 MA:055 VT:056-059 CT:060-069 NJ:070-089
AE:090-099 NY:100-149 PA:150-196 DE:197-199 DC:200 VA:201 DC:202-205 MD:206-219 VA:220-246 WV:247-268 NC:270-289 SC:290-299
GA:300-319 FL:320-339 AA:340 FL:341-349 AL:350-369 TN:370-385 MS:386-397 GA:398-399 KY:400-427 OH:430-459 IN:460-479 MI:480-499
IA:500-528 WI:530-549 MN:550-567 DC:569 SD:570-577 ND:580-588 MT:590-599 IL:600-629 MO:630-658 KS:660-679 NE:680-693 LA:700-714
AR:716-729 OK:730-731 TX:733 OK:734-749 TX:750-799 CO:800-816 WY:820-831 ID:832-838 UT:840-847 AZ:850-865 NM:870-884 TX:885 DC:888
NV:889-898 CA:900-961 AP:962-966 HI:967-968 GU:969 OR:970-979 WA:980-994 AK:995-999
"""


def _by_zip3() -> tuple[str, ...]:
    states = [""] * 1000
    for word in _ZIP3_RANGES.split():
        state, _, span = word.partition(":")
        first, _, last = span.partition("-")
        for zip3 in range(int(first), int(last or first) + 1):
            states[zip3] = state
    return tuple(states)


STATE_OF_ZIP3 = _by_zip3()
"""State by ZIP3, "" where none is: where most ZIP codes of the prefix lie. Source: the PyPI package `zipcodes` 3.x."""
