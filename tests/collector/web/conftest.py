from collections.abc import Iterator

import pytest

from handmade.facts import FactStore
from handmade.web import Web, served


@pytest.fixture
def web(facts: FactStore) -> Iterator[Web]:
    """The web application behind a real server, over facts made by hand."""
    with served(facts) as web:
        yield web
