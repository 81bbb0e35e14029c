"""`tranship init`: the commented working example that a new network file starts from."""

from importlib import resources
from pathlib import Path

from tranship.core.errors import InputError

FILE_NAME = "tranship.toml"


def template() -> str:
    """The example, as text: four networks, five nodes, Amazon capped at 60 %. It loads, and `check` has nothing to say about it."""
    return resources.files(__package__).joinpath("template.toml").read_text(encoding="utf-8")


def init_files(folder: Path | str, *, force: bool = False) -> list[Path]:
    """Write the example as `tranship.toml` into `folder` (made where it is missing), or as `folder` where that name ends in .toml.

    Returns the paths written.

    Raises InputError where the file is there already, unless `force`, and where the folder cannot be written.
    """
    path = Path(folder)
    if path.suffix != ".toml" or path.is_dir():
        path /= FILE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(template())
    except FileExistsError:
        hint = "Use --force to overwrite it" if path.exists() else "Choose a folder"
        raise InputError("is there already", where=str(path), hint=hint) from None
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=str(path), hint="Choose another folder"
        ) from error
    return [path]
