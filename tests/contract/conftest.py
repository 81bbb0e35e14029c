"""Assertions of the shared contract say what they compared."""

import pytest

pytest.register_assert_rewrite("tests.contract.contract", "tests.contract.place")
