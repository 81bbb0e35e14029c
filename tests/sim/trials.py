"""Small runs and overlays for the tests of `try` and `regret`."""

from pathlib import Path

from tranship.sim.trial.model import OrderChange, Trial
from tranship.sim.trial.run import try_run


def overlay(folder: Path, text: str, name: str = "change") -> Path:
    """A file with this overlay."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def tried(folder: Path, *texts: str, **more: object) -> tuple[Trial, list[list[OrderChange]]]:
    """The run in `folder` under these overlays, in this process."""
    paths = [overlay(folder.parent, text, f"{folder.name}-v{i}") for i, text in enumerate(texts)]
    return try_run(folder, paths, processes=1, **more)  # type: ignore[arg-type]
