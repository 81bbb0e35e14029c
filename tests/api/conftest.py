"""One service for all tests that do not need their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.running import SKU, Running, running


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with stock; every test takes order numbers of its own."""
    home: Path = tmp_path_factory.mktemp("service")
    with running(home) as found:
        for node in found.service.nodes:  # so that no test takes another one's stock
            found.service.receive(f"plenty-{node}", node, [(SKU, 100_000)])
        yield found
