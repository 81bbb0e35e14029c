"""What cannot leave, and what is not passed on: both name the leaf and never the value."""

from tranship.core.errors import InputError


class MaskingError(InputError):
    """A message holds what may not leave. Names the leaf, never its value."""

    def __init__(self, kind: str, op: str, leaf: str, why: str) -> None:
        self.kind, self.op, self.leaf, self.why = kind, op, leaf, why
        super().__init__(why, where=f"{kind} {op}: {leaf}")


class QuarantineError(InputError):
    """An answer or notification names a token that is not ours, or not there: nothing of it is passed on.

    `token_kind` is the kind that the leaf wants.
    """

    def __init__(self, kind: str, op: str, leaf: str, token_kind: str, why: str) -> None:
        self.kind, self.op, self.leaf, self.token_kind, self.why = kind, op, leaf, token_kind, why
        super().__init__(why, where=f"{kind} {op}: {leaf}", hint="Nothing of the message was passed on")


class ReportError(InputError):
    """A report cannot be read by the policy of its type: nothing of it is passed on. `place` is a row and a column, never a value."""

    def __init__(self, report: str, place: str, why: str) -> None:
        self.report, self.place, self.why = report, place, why
        super().__init__(why, where=f"{report}: {place}", hint="Nothing of the report was passed on")
