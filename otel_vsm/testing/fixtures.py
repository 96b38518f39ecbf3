"""Fixtures for pytest. Import those that are wanted in a `conftest.py`:

from otel_vsm.testing.fixtures import captured, otlp_receiver
"""

from collections.abc import Iterator

import pytest

from otel_vsm.testing import (
    Captured,
    CountingIds,
    FakeClock,
    OtlpReceiver,
    RunningCollector,
    capture,
    collector,
)

__all__ = ["captured", "counting_ids", "fake_clock", "otlp_receiver", "running_collector"]


@pytest.fixture
def captured() -> Iterator[Captured]:
    """What is exported in this process during the test."""
    with capture() as records:
        yield records


@pytest.fixture
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """An OTLP server of the test's own."""
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def running_collector() -> Iterator[RunningCollector]:
    """One collector for all tests, since starting it takes a while: what they send must not collide."""
    with collector() as running:
        yield running


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def counting_ids() -> CountingIds:
    return CountingIds()
