"""One service with a few orders in it, for all page tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.running import SKU, Running, running


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with thirty orders, one of them split, one parked."""
    home: Path = tmp_path_factory.mktemp("shop")
    with running(home) as found:
        for i in range(30):
            assert found.order(f"N{i}", customer={"name": f"Canary Person {i}"}).status == 201
        assert found.order("SPLIT", lines=[{"sku": f"DEMO-{i:03d}", "qty": 1} for i in range(1, 40)]).status == 201
        assert found.order("PARKED", lines=[{"sku": "DEMO-020", "qty": 20_000}]).status == 201
        assert found.order("HASH#1", lines=[{"sku": SKU, "qty": 1}]).status == 201
        yield found
