"""Names of countries, states and postal codes as order exports write them, brought to ISO 3166 codes and plain ZIPs."""

import re

_COUNTRIES = """
AE United Arab Emirates|UAE;AR Argentina;AT Austria;AU Australia;BE Belgium;BG Bulgaria;BH Bahrain;BM Bermuda;BR Brazil;
CA Canada|CAN;CH Switzerland;CL Chile;CN China;CO Colombia;CR Costa Rica;CY Cyprus;CZ Czech Republic|Czechia;DE Germany|DEU;
DK Denmark;DO Dominican Republic;EE Estonia;EG Egypt;ES Spain;FI Finland;FR France|FRA;
GB United Kingdom|UK|GBR|Great Britain|England;GR Greece;HK Hong Kong;HR Croatia;HU Hungary;ID Indonesia;IE Ireland|EIRE;
IL Israel;IN India;IS Iceland;IT Italy;JP Japan|JPN;KE Kenya;KR South Korea|Korea|Republic of Korea;LB Lebanon;LT Lithuania;
LU Luxembourg;LV Latvia;MA Morocco;MT Malta;MX Mexico|MEX;MY Malaysia;NG Nigeria;NL Netherlands|The Netherlands;NO Norway;
NZ New Zealand;PE Peru;PH Philippines;PL Poland;PR Puerto Rico;PT Portugal;RO Romania;RS Serbia;SA Saudi Arabia;SE Sweden;
SG Singapore;SI Slovenia;SK Slovakia;TH Thailand;TR Turkey|Türkiye;TW Taiwan;UA Ukraine;
US United States|USA|United States of America|U.S.A.|U.S.;UY Uruguay;VN Vietnam|Viet Nam;ZA South Africa|RSA
"""

_STATES = """
US AL Alabama;US AK Alaska;US AZ Arizona;US AR Arkansas;US CA California;US CO Colorado;US CT Connecticut;US DE Delaware;
US DC District of Columbia;US FL Florida;US GA Georgia;US HI Hawaii;US ID Idaho;US IL Illinois;US IN Indiana;US IA Iowa;
US KS Kansas;US KY Kentucky;US LA Louisiana;US ME Maine;US MD Maryland;US MA Massachusetts;US MI Michigan;US MN Minnesota;
US MS Mississippi;US MO Missouri;US MT Montana;US NE Nebraska;US NV Nevada;US NH New Hampshire;US NJ New Jersey;
US NM New Mexico;US NY New York;US NC North Carolina;US ND North Dakota;US OH Ohio;US OK Oklahoma;US OR Oregon;
US PA Pennsylvania;US RI Rhode Island;US SC South Carolina;US SD South Dakota;US TN Tennessee;US TX Texas;US UT Utah;
US VT Vermont;US VA Virginia;US WA Washington;US WV West Virginia;US WI Wisconsin;US WY Wyoming;US PR Puerto Rico;
US VI Virgin Islands;US GU Guam;US AS American Samoa;US MP Northern Mariana Islands;CA AB Alberta;CA BC British Columbia;
CA MB Manitoba;CA NB New Brunswick;CA NL Newfoundland and Labrador;CA NS Nova Scotia;CA NT Northwest Territories;
CA NU Nunavut;CA ON Ontario;CA PE Prince Edward Island;CA QC Quebec;CA QC Québec;CA SK Saskatchewan;CA YT Yukon
"""


def _country_table() -> dict[str, str]:
    table = {}
    for entry in _COUNTRIES.replace("\n", "").split(";"):
        code, names = entry[:2], entry[3:]
        table[code.casefold()] = code
        table.update({name.casefold(): code for name in names.split("|")})
    return table


def _state_table() -> dict[tuple[str, str], str]:
    table = {}
    for entry in _STATES.replace("\n", "").split(";"):
        country, code, name = entry[:2], entry[3:5], entry[6:]
        table[country, code.casefold()] = code
        table[country, name.casefold()] = code
    return table


_COUNTRY = _country_table()
_STATE = _state_table()
_CODE = re.compile(r"[A-Za-z]{2}")
_US_ZIP = re.compile(r"(\d{1,5})(?:\.0)?|(\d{5})-?\d{4}")
_POSTAL = re.compile(r"[A-Z0-9][A-Z0-9 -]{1,11}")
_STATE_TEXT = re.compile(r"[^\W\d_][\w .'()-]{0,39}")


def country_code(text: str) -> str | None:
    """ISO 3166 code of a country's code or English name; None where it is neither.

    >>> country_code("United States"), country_code("ca"), country_code("Atlantis")
    ('US', 'CA', None)
    """
    text = text.strip()
    known = _COUNTRY.get(text.casefold())
    if known is None and _CODE.fullmatch(text):
        return text.upper()
    return known


def state_code(text: str, country: str) -> str:
    """Postal code of a US state or Canadian province by name or code; other texts that look like a region stay, others go.

    >>> state_code("Texas", "US"), state_code("qc", "CA"), state_code("Bayern", "DE"), state_code("555-1234", "US")
    ('TX', 'QC', 'Bayern', '')
    """
    text = text.strip()
    known = _STATE.get((country, text.casefold()))
    if known is not None:
        return known
    return text if country not in ("US", "CA") and _STATE_TEXT.fullmatch(text) else ""


def postal_code(text: str, country: str) -> str | None:
    """A usable postal code, '' where there is none, None where the text cannot be one.

    United States: five digits; zeros that a spreadsheet dropped come back and the +4 goes. Elsewhere: upper case, as written.

    >>> postal_code("2134", "US"), postal_code("77095-1234", "US"), postal_code("t1y", "CA"), postal_code("K2P0S0", "US")
    ('02134', '77095', 'T1Y', None)
    """
    text = text.strip().removeprefix("'")  # Shopify and spreadsheets keep leading zeros behind an apostrophe
    if not text:
        return ""
    if country == "US":
        found = _US_ZIP.fullmatch(text)
        if found is None or not text.isascii():
            return None
        return (found[1] or found[2]).zfill(5)
    text = text.upper()
    return text if _POSTAL.fullmatch(text) else None
