"""Names, parts of addresses and codes that masking lets through, for property tests."""

from hypothesis import strategies as st

from tranship.masking.policy.grammar import name_objection, part_objection
from tranship.masking.policy.types import COUNTRIES, TYPES

_WORDS = st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=9)
_NUMBERS = st.integers(1, 9999).map(str)
names = st.lists(_WORDS, min_size=1, max_size=3).map(" ".join).filter(lambda text: not name_objection(text))
parts = (
    st.lists(_WORDS | _NUMBERS, min_size=1, max_size=4).map(" ".join).filter(lambda text: not part_objection(text, 50))
)
skus = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=50).filter(
    lambda text: not TYPES["sku"].objection(text)
)
countries = st.sampled_from(sorted(COUNTRIES))
zips = st.from_regex(r"[0-9]{5}", fullmatch=True)
