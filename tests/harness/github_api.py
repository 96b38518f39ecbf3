"""GitHub's API, as far as it lists the jobs of a run."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.shop import NOW


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def job(
    identity: int, name: str, conclusion: str | None, *steps: tuple[str, str | None], **fields: Any
) -> Any:
    """A job as GitHub's API lists it: queued for half a minute, and run for 20 seconds."""
    return {
        "id": identity,
        "name": name,
        "html_url": f"https://github.com/acme/actions/actions/runs/100/job/{identity}",
        "created_at": at(-100),
        "started_at": at(-70),
        "completed_at": at(-50),
        "runner_name": "runner-7",
        "conclusion": conclusion,
        "steps": [{"name": step, "conclusion": how} for step, how in steps],
        **fields,
    }


class GitHubApi:
    """Answers with `jobs`, or with nothing but `status`."""

    def __init__(self) -> None:
        api = self
        self.jobs: list[Any] = []
        self.tokens: list[str | None] = []
        self.status = 200

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.tokens.append(self.headers["Authorization"])
                content: Any = {"run_started_at": at(-120)}
                path, _, query = self.path.partition("?")
                if path.endswith("/jobs"):
                    page = int(query.rpartition("=")[2])
                    content = {"jobs": api.jobs[100 * (page - 1) : 100 * page]}
                self.send_response(api.status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
