"""What both ways of carrying an alert share."""

from tranship.core.errors import TranshipError


class NotDeliveredError(TranshipError):
    """The message did not get through. Its text names the way and the reason, never an address or a URL."""
