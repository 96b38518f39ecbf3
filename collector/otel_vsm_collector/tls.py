"""Certificates: of the collector, and of those who may send."""

import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

import grpc

from otel_vsm_collector.stores.folder import UnusableError


@dataclass(frozen=True, slots=True)
class Tls:
    certificate: Path
    """In PEM, with those between it and its authority."""
    key: Path
    client_ca: Path | None = None
    """Whose certificates senders of OTLP have to show; none where it is None."""

    def check(self) -> str | None:
        """What an operator should know. Raises UnusableError where the files cannot be used."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
            mode = self.key.stat().st_mode
        except (OSError, ssl.SSLError) as error:
            raise UnusableError(f"the certificates cannot be used: {error}") from None
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            return f"everybody on this machine can read the key {self.key}; chmod 600 it"
        return None

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Reads the files anew for each connection."""
        return grpc.dynamic_ssl_server_credentials(
            self._grpc_files(),
            self._grpc_files_if_sound,  # type: ignore[arg-type]  # it may give None, says the reference
            require_client_authentication=self.client_ca is not None,
        )

    def _grpc_files(self) -> grpc.ServerCertificateConfiguration:
        ca = None if self.client_ca is None else self.client_ca.read_bytes()
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=ca)

    def _grpc_files_if_sound(self) -> grpc.ServerCertificateConfiguration | None:
        """None, which means as before, while they are being replaced."""
        try:
            self.check()
            return self._grpc_files()
        except (OSError, UnusableError):
            return None
