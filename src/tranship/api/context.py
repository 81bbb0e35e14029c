"""What every handler works with: the service, its newest view, the settings, and how many streams are open."""

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar, Request

from tranship.api.guard import Buckets
from tranship.api.settings import ApiSettings
from tranship.engine.alarm import Alarm
from tranship.engine.driver.driver import Driver
from tranship.engine.follow import Follower
from tranship.engine.service import Service

if TYPE_CHECKING:
    from tranship.api.masking import Masking

_NAME = "tranship"


class Context:
    """One running service."""

    def __init__(
        self, service: Service, settings: ApiSettings, follower: Follower, driver: Driver | None = None
    ) -> None:
        """`driver`: None where no node of the network file has a connection."""
        self.service, self.settings, self.follower, self.driver = service, settings, follower, driver
        self.alarm = Alarm(service) if service.network.alerts.contacts else None
        self.buckets = Buckets(settings.rate_per_s, settings.rate_burst)
        self.explaining = asyncio.Semaphore(settings.explanations_max)
        self.streams = 0
        self.masking: Masking | None = None  # who masks for proxies, where somebody does
        self._number = itertools.count(1)

    def number(self) -> int:
        """A number that no other request of this process got."""
        return next(self._number)

    def attach(self, app: Litestar) -> None:
        """Make this the context of `app`'s handlers."""
        app.state[_NAME] = self


def context_of(request: Request[Any, Any, Any]) -> Context:
    """The context of the application that got this request."""
    return cast("Context", request.app.state[_NAME])
