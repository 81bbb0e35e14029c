"""What a connection to Amazon Multi-Channel Fulfillment can be told."""

import msgspec

from tranship.connectors.settings import endpoint, read_settings, where_of
from tranship.core.capability import Connection
from tranship.core.errors import InputError

ENDPOINT = "https://sellingpartnerapi-na.amazon.com"
AUTH_ENDPOINT = "https://api.amazon.com"
SECRETS = ("refresh_token", "client_id", "client_secret")
"""Secrets of Login with Amazon; `notifications`, the key that notifications come with, is optional."""
FILL = ("or_kill", "all", "all_available")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`endpoint` and `auth_endpoint`: where the Selling Partner API and its tokens are; `marketplace`: its id.

    `country` is where units ship from. `fill` says what Amazon does when units are missing: `or_kill` (the default) lets it end the order,
    which is then placed anew; `all` and `all_available` leave the rest waiting or unshipped there. `unbranded` asks for a box without
    Amazon's name. `priority` allows the fastest tier, which Amazon's file names for Canada, India and Mexico only.
    """

    marketplace: str
    endpoint: str = ENDPOINT
    auth_endpoint: str = AUTH_ENDPOINT
    country: str = "US"
    fill: str = "or_kill"
    unbranded: bool = True
    priority: bool = False

    def tier(self, service: str) -> str:
        """Amazon's tier for a service word."""
        return (
            "STANDARD"
            if service == "ground"
            else "PRIORITY"
            if service == "next_day" and self.priority
            else "EXPEDITED"
        )


def settings_of(connection: Connection) -> Settings:
    """The connection's settings, checked.

    Raises:
        InputError: names the key and what it may be.
    """
    read = read_settings(Settings, connection)
    if not read.marketplace.isalnum():
        raise InputError("is no marketplace id", where=where_of(connection, "marketplace"), hint="US: ATVPDKIKX0DER")
    if len(read.country) != 2 or not read.country.isupper():
        raise InputError("is no country code of two letters", where=where_of(connection, "country"))
    if read.fill not in FILL:
        raise InputError(f"is none of {', '.join(FILL)}", where=where_of(connection, "fill"))
    return msgspec.structs.replace(
        read,
        endpoint=endpoint(read.endpoint, connection),
        auth_endpoint=endpoint(read.auth_endpoint, connection, "auth_endpoint"),
    )
