"""At the start: canaries."""

from tranship.masking.policy import Policy


def check_policy(policy: Policy) -> None:
    """Later."""
    assert policy.hash
