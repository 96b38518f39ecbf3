"""What a collector is told when it starts."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from otel_vsm_collector.access.exposure import is_loopback
from otel_vsm_collector.declared.model import Declared
from otel_vsm_collector.stores.duckdb.ledger import ledger_path
from otel_vsm_collector.tls import Tls


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
    """Raises ValueError, with a sentence that says what is allowed, where the store is not known, and where
    strangers could come in."""

    grpc: Address = Address("127.0.0.1", 4317)
    """OTLP/gRPC."""
    http: Address = Address("127.0.0.1", 4318)
    """OTLP/HTTP."""
    web: Address = Address("127.0.0.1", 8750)
    """Page, API, metrics and health."""
    data: Path = field(default_factory=default_data)
    store: str = "duckdb:"
    """URL of the ledger."""
    tls: Tls | None = None
    """Plain HTTP and gRPC where it is None."""
    tokens: Path | None = None
    """The file of bearer tokens; nobody needs one where it is None."""
    webhooks: Path | None = None
    """The file of webhooks with their secrets; none is taken where it is None."""
    allowed_hosts: tuple[str, ...] = ()
    """By which names browsers may call the web address, beside this machine's own and addresses."""
    allow_anybody: bool = False
    """Whether strangers may reach it though nothing is encrypted, or nobody is asked who they are."""
    config: Path | None = None
    """The file that was read, to be read again on SIGHUP."""
    declared: Declared = field(default_factory=Declared)
    """What the file declares."""

    def __post_init__(self) -> None:
        ledger_path(self.store, self.data)
        if self.allow_anybody:
            return
        senders = self.tokens or (self.tls and self.tls.client_ca)
        for name, credentials in (("grpc", senders), ("http", senders), ("web", self.tokens)):
            address: Address = getattr(self, name)
            missing = [
                option
                for option, given in (("--tls-cert and --tls-key", self.tls), ("--tokens", credentials))
                if not given
            ]
            if missing and not is_loopback(address.host):
                raise ValueError(
                    f"others than this machine can reach --{name} {address}: give {' and '.join(missing)}, or"
                    " --allow-anybody where something in front keeps strangers out"
                )
