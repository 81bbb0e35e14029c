"""Where a secret lies: `env:NAME`, an environment variable, or `file:PATH`. The secret itself stands in no file of ours."""

import os
import re
from pathlib import Path

from tranship.core.errors import InputError
from tranship.core.secret import Secret

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,79}\Z|file:[^\x00-\x1f]{1,190}\Z")
REFERENCE_WORDS = "env:NAME (an environment variable) or file:PATH; the secret itself stands in no network file"
MOST_BYTES = 16_384


def is_reference(text: object) -> bool:
    """Whether this says where a secret lies.

    >>> is_reference("env:AMAZON_KEY"), is_reference("amzn1.key")
    (True, False)
    """
    return isinstance(text, str) and REFERENCE.match(text) is not None


def secret(reference: str, where: str = "") -> Secret:
    """The secret behind a reference, without blanks at its ends.

    Raises InputError, naming the reference and never the secret, where there is none.
    """
    if not is_reference(reference):
        raise InputError("is not a reference to a secret", where=where, hint=f"Write {REFERENCE_WORDS}.")
    kind, _, name = reference.partition(":")
    if kind == "env":
        text = os.environ.get(name, "").strip()
        if not text:
            raise InputError(f"the environment variable {name} is not set", where=where, hint="Set it and start again.")
        return Secret(text)
    return Secret(_from_file(Path(name), where))


def _from_file(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8").strip()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror})", where=where, hint="Name a file that can."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text", where=where, hint="Name a file that is.") from None
    if not text or len(data) > MOST_BYTES:
        raise InputError(f"{path} is empty or above {MOST_BYTES:,} bytes", where=where, hint="One secret, as text.")
    return text
