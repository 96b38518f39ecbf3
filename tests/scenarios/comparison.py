"""What is expected of an answer, held against it."""

from typing import Any

import pytest

from otel_vsm_collector.declared.closest import allowed


def check(found: Any, expected: Any, where: str) -> None:
    """Fails where the answer is another one than expected: key by key, and item by item."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), (where, found)
        for key, value in expected.items():
            assert key in found, f"{where} has no {key!r}; {allowed(key, map(str, found or ['nothing']))}"
            check(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), (where, found)
        for place, value in enumerate(expected):
            check(found[place], value, f"{where}[{place}]")
    else:
        assert found == (_near(expected) if isinstance(expected, float) else expected), where


def check_rows(found: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    """The same of rows by name: of which None is expected, that may not be there."""
    absent = {name for name, row in expected.items() if row is None}
    assert not absent & found.keys(), where
    check(found, {name: row for name, row in expected.items() if name not in absent}, where)


def _near(number: float) -> Any:
    return pytest.approx(number, rel=1e-9)
