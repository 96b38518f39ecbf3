"""What a collector is told when it starts."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.stores.duckdb.ledger import ledger_path


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 stands for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def default_data() -> Path:
    """The data folder of who runs the collector."""
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "share") / "otel-vsm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Raises ValueError, with a sentence that says what is allowed, where the store is not known."""

    grpc: Address = Address("127.0.0.1", 4317)
    """OTLP/gRPC."""
    http: Address = Address("127.0.0.1", 4318)
    """OTLP/HTTP."""
    web: Address = Address("127.0.0.1", 8750)
    """Page, API, metrics and health."""
    data: Path = field(default_factory=default_data)
    store: str = "duckdb:"
    """URL of the ledger."""
    config: Path | None = None
    """The file that was read, to be read again on SIGHUP."""
    declared: Declared = field(default_factory=Declared)
    """What the file declares."""

    def __post_init__(self) -> None:
        ledger_path(self.store, self.data)
