"""The few errors that cross rooms. Expected outcomes are values; these are for broken input and broken assumptions."""


class TranshipError(Exception):
    """Base of every error that Tranship raises on purpose; its text names what, where and what to do."""


class InputError(TranshipError):
    """Input that cannot be used: a file, a key, a row. Nothing was committed because of it."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}. {hint}" if hint else text)


class ConflictError(TranshipError):
    """The same key was used before with other content."""


class DamageError(TranshipError):
    """Stored data does not read back as it was written; names the first bad row."""


class InvariantError(TranshipError):
    """A promise of the product was about to be broken: the change was refused. This is a bug alarm, not business flow."""


class UnavailableError(TranshipError):
    """A resource (disk, key file, lock) cannot be had now; the same call may work later."""
