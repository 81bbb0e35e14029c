"""What tests of the stand-in Amazon share: one process, begun anew by each test."""

from collections.abc import Iterator

import pytest

from tests.sandbox.running import Running, amazon
from tests.sandbox.test_amazon import NEVER_EXPIRES, START


@pytest.fixture(scope="module")
def process() -> Iterator[Running]:
    """The process, with 100 units of S1; each test begins anew."""
    with amazon("--sku", "S1=100", *NEVER_EXPIRES, clock=START) as running:
        yield running


@pytest.fixture
def there(process: Running) -> Iterator[Running]:
    """A stand-in Amazon whose clock stands still; at the end it broke no rule of the vendor's."""
    process.reset()
    yield process
    report = process.report()
    assert report["violations"] == 0, report["violation_texts"]
