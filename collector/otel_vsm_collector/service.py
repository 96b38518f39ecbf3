"""The collector as a process: binds, starts, serves, and stops without losing what it took.

receive (gRPC, HTTP) → keep (journal, ledger) → derive (facts), with the web application and the metrics
beside them. All that serves shares one event loop; keeping and deriving have a thread each.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
import uvloop

from otel_vsm_collector.access.guard import Guard
from otel_vsm_collector.access.speaking_for import within_bounds
from otel_vsm_collector.access.tokens import Tokens
from otel_vsm_collector.compiled import Compiled
from otel_vsm_collector.keep.deriver import Run
from otel_vsm_collector.keep.store import Listener, Store
from otel_vsm_collector.metrics.collect import Metrics
from otel_vsm_collector.receive import signals
from otel_vsm_collector.receive.grpc import add_service, add_trace_service, make_server
from otel_vsm_collector.receive.http import HttpReceiver, refused
from otel_vsm_collector.receive.routes import Routes
from otel_vsm_collector.receive.webhooks.declared import Webhooks
from otel_vsm_collector.receive.webhooks.http import WebhookReceiver, is_signed
from otel_vsm_collector.reload import Current, unmapped_of
from otel_vsm_collector.server import STOP_S, Server, allow_connections
from otel_vsm_collector.settings import Address, Settings
from otel_vsm_collector.spans.accept import Counts
from otel_vsm_collector.stores.folder import UnusableError
from otel_vsm_collector.tls import Tls
from otel_vsm_collector.web import late


def main(settings: Settings) -> int:
    """Runs the collector until SIGINT or SIGTERM and gives the exit code.

    On stdout: where it listens, a line each, then `ready`. On stderr: what an operator should know.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="otel-vsm collector: %(message)s")
    # Files that libraries make beside ours are nobody else's business either.
    os.umask(0o077)
    allow_connections()
    # It gives memory back: with the default allocator 0.1 GB more stays resident in a rebuild. Not every
    # build of Arrow has it.
    with contextlib.suppress(NotImplementedError):
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    try:
        uvloop.run(_serve(settings))
    except UnusableError as error:
        _say(str(error))
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tokens = Tokens(settings.tokens)
    for_senders, for_readers = partial(tokens.admit, scope="ingest"), partial(tokens.admit, scope="read")
    webhooks = Webhooks(settings.webhooks)
    tls = settings.tls
    if tls is not None and (warning := tls.check()):
        _say(warning)
    grpc_server = make_server(for_senders)
    # All ports first: where one is taken, nothing has been opened or written yet.
    with (
        contextlib.closing(_bind(settings.http, "--http")) as http_socket,
        contextlib.closing(_bind(settings.web, "--web")) as web_socket,
    ):
        grpc_address = _bind_grpc(grpc_server, settings.grpc, tls)
        compiled = Compiled(settings.data / "compiled")
        metrics = Metrics(compiled.observed(), own=(grpc_address, _address(http_socket)))
        current = Current(settings.declared, compiled, metrics.observer, say=_say)
        store = Store(
            settings.data,
            current.refreshing(current.plan),
            store=settings.store,
            unmapped=unmapped_of(settings.declared),
            say=_say,
            listener=_Reporter(metrics),
        )
        metrics.watch(store.cursor, lambda: current.facts)
        metrics.health.watch(
            lag_s=lambda: store.health.lag_s,
            journal_bytes=lambda: store.health.journal_bytes,
            journal_damaged=lambda: store.health.damaged,
        )
        export = within_bounds(store.export)
        health = metrics.health
        others = (signals.logs(export, health.count_logs), signals.metrics(health.count_points))
        add_trace_service(grpc_server, export)
        for other in others:
            add_service(grpc_server, other)
        receivers = Routes(HttpReceiver(export, *others), WebhookReceiver(export, webhooks))
        guarded = Guard(receivers, for_senders, refused, is_open=is_signed)
        http_server = Server(guarded, tls, ask_clients=True)
        web = late.LateApp(
            store=store, facts=lambda: current.facts, collect=metrics.collect, unready=store.unready
        )
        hosts = {settings.web.host, *settings.allowed_hosts}
        is_open = late.UNBOUNDED.__contains__
        web_server = Server(Guard(web, for_readers, late.refused, hosts=hosts, is_open=is_open), tls)
        serving = [
            asyncio.create_task(http_server.serve([http_socket])),
            asyncio.create_task(web_server.serve([web_socket])),
        ]
        await grpc_server.start()
        await asyncio.gather(http_server.listening.wait(), web_server.listening.wait())
        for name, address in (
            ("otlp/grpc", grpc_address),
            ("otlp/http", _address(http_socket)),
            ("web", _address(web_socket)),
        ):
            print(name, address)
        print("ready", flush=True)

        def read_again() -> None:
            tokens.read_again(_say)
            webhooks.read_again(_say)
            if tls is not None:
                _read_certificates_again(tls, http_server, web_server)
            if settings.config is not None:
                current.read_again(settings.config, store)

        # What is declared anew is compiled in a thread: that takes seconds, and spans go on coming.
        loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, read_again)

        await stop.wait()
        http_server.should_exit = web_server.should_exit = True
        await asyncio.gather(grpc_server.stop(STOP_S), *serving)
        await asyncio.to_thread(store.drain, STOP_S)
        await asyncio.to_thread(metrics.close)
        store.close()


class _Reporter(Listener):
    """Counts what happens in the store as metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._health, self._observer = metrics.health, metrics.observer

    def on_open(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._observer.restart()
        self._observer.observe_everything(connection)
        self._observer.commit()

    def on_received(self, counts: Counts) -> None:
        self._health.span_received.add(counts.received)
        self._health.span_rejected.add(counts.rejected)
        self._health.span_filtered.add(counts.filtered)
        self._health.span_unmapped.add(counts.unmapped)

    def on_derived(self, run: Run) -> None:
        if run.succeeded:
            self._observer.commit()
        else:
            self._observer.rollback()
        self._health.span_duplicate.add(run.repeated)
        self._health.derivation.record(run.duration_s)


def _bind(address: Address, option: str) -> socket.socket:
    try:
        candidates = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # A name such as localhost stands for several; clients try IPv4 in any case.
        family, _, _, _, endpoint = min(candidates, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(endpoint, family=family, backlog=1024)
    except OSError as error:
        # Its own text names the address again; that of a name that is not known has no number.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise UnusableError(
            f"cannot listen on {address} ({reason}); name another address with {option} HOST:PORT"
        ) from None


def _read_certificates_again(tls: Tls, *servers: Server) -> None:
    try:
        tls.check()
        for server in servers:
            server.read_certificate_again()
    except (UnusableError, OSError) as error:
        _say(f"{error}; the certificate before goes on to hold")


def _bind_grpc(server: Any, address: Address, tls: Tls | None) -> Address:
    # It binds by itself and says nothing of the reason where that fails, so it is tried before.
    _bind(address, "--grpc").close()
    try:
        if tls is not None:
            return Address(address.host, server.add_secure_port(str(address), tls.grpc_credentials()))
        return Address(address.host, server.add_insecure_port(str(address)))
    except RuntimeError as error:
        raise UnusableError(
            f"cannot listen on {address} ({error}); name another address with --grpc HOST:PORT"
        ) from None


def _address(bound: socket.socket) -> Address:
    host, port = bound.getsockname()[:2]
    return Address(host, port)


def _say(sentence: str) -> None:
    print(f"otel-vsm collector: {sentence}", file=sys.stderr, flush=True)
