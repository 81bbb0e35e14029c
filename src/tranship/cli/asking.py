"""What verbs share that ask a running service, or a run that no service has open: where it is, and one question to it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from tranship.cli.reach import Reach

HERE = "http://127.0.0.1:8000"
Url = Annotated[str, Parameter(env_var="TRANSHIP_URL", help="Address of the running service.")]
On = Annotated[Path | None, Parameter(help="Look into this run instead, which no service has open.")]


def asked(url: str, on: Path | None, question: Callable[["Reach"], dict[str, Any]]) -> dict[str, Any]:
    """The answer of the service at `url`, or of the run in `on` where that is given."""
    from tranship.cli.reach import reach

    with reach(url, on) as way:
        return question(way)


def segment(text: str) -> str:
    """A name as it stands in a path."""
    from tranship.cli.reach import segment

    return segment(text)
