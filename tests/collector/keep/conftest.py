import pytest

from handmade.deriving import Derived


@pytest.fixture
def derived() -> Derived:
    return Derived()
