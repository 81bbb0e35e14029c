"""docs/masking-policies.md says what the policies do: its tables are generated and must agree."""

from tests.support import ROOT
from tools.masking_policy_reference import PAGE, main, with_generated


def test_the_page_agrees_with_the_policies():
    """Run `python -m tools.masking_policy_reference` after a change."""
    page = PAGE.read_text(encoding="utf-8")
    assert PAGE == ROOT / "docs" / "masking-policies.md"
    assert with_generated(page) == page and main(["--check"]) == 0
