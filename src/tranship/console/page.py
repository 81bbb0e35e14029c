"""What every page that is a file shares: its frame, its styles, how it is filled in and written. No script, no request to anywhere."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tranship.console.findings import counted, date, money, part_of, per, percent, rounded
from tranship.core.errors import InputError


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("tranship.console"),
        autoescape=True,  # everything that comes from a file of orders is text, whatever it looks like
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(percent=percent, thousands=lambda value: f"{value:,}")
    found.globals.update(counted=counted, date=date, money=money, rounded=rounded, part_of=part_of, per=per)
    return found


def fill(template: str, charts: Mapping[str, str], facts: Mapping[str, object], styles: Sequence[str] = ()) -> str:
    """The page as text. The same data give the same bytes.

    Args:
        template: extends `page.html`.
        charts: drawings by name, texts in them escaped.
        facts: what else the template names.
        styles: style sheets besides `report.css`; with `dark.css` among them the page follows a reader who wants it dark.
    """
    folder = files("tranship.console").joinpath("templates")
    css = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", *styles))
    html = (
        _environment()
        .get_template(template)
        .render(
            css=Markup(css),  # noqa: S704 - our own files
            dark="dark.css" in styles,
            charts={name: Markup(body) for name, body in charts.items()},  # noqa: S704 - drawn by us, texts escaped
            **facts,
        )
    )
    return html.replace(" %", "\u00a0%")  # a number and its sign stay on one line


def write(html: str, path: Path, option: str) -> Path:
    """Write a page; a reader never sees half of it. InputError where it cannot be, naming the `option` that says where to."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(html, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        what = f"the page cannot be written ({error.strerror})"
        raise InputError(what, where=str(path), hint=f"Name another place with {option}.") from error
    return path
