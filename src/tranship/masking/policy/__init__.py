"""What may leave for each kind of network, leaf by leaf, pinned to the vendor's own model. What has no rule does not leave.

Policies are files (`data/`), one for each dialect; `load` reads ours or a user's. `check` is for connectors, which make their messages
themselves; `masking.message` and `masking.unmask` are for messages that somebody else made.
"""

from tranship.masking.policy.checking import (
    COMMENT,
    LINE_ID,
    OUR_ID,
    REMOTE_ID,
    Allowed,
    Shape,
    allowed_for,
    check,
    fit_of,
    kinds,
    leaves,
    walk,
)
from tranship.masking.policy.errors import MaskingError, QuarantineError, ReportError
from tranship.masking.policy.loading import load, packaged_kinds
from tranship.masking.policy.model import Fit, Operation, Policy
from tranship.masking.policy.reports import Report
from tranship.masking.policy.rules import Rule

__all__ = [
    "COMMENT",
    "LINE_ID",
    "OUR_ID",
    "REMOTE_ID",
    "Allowed",
    "Fit",
    "MaskingError",
    "Operation",
    "Policy",
    "QuarantineError",
    "Report",
    "ReportError",
    "Rule",
    "Shape",
    "allowed_for",
    "check",
    "fit_of",
    "kinds",
    "leaves",
    "load",
    "packaged_kinds",
    "walk",
]
