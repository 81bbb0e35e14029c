"""docs/masking-policies.md says what the policies do: its tables are generated and must agree."""

from tests.support import ROOT
from tools.masking_policy_reference import PART


def test_the_page_agrees_with_the_policies():
    """Run `python -m tools.masking_policy_reference` after a change."""
    assert PART.page == ROOT / "docs" / "masking-policies.md"
    assert PART.main(["--check"]) == 0
