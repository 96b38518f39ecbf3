"""Compiles what is asked of a collector by default, for the package: `make build` calls it.

A collector keeps each question that it compiled. This one is filled with the demo's company, and asked for
all that its pages link to.
"""

import os
import re
import shutil
import tempfile
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urljoin, urlsplit
from urllib.request import urlopen

from demo.history import generate
from demo.spans import spans_of
from otel_vsm.export import export_all
from otel_vsm.testing import collector
from otel_vsm_collector import compiled

FROM = ("/", "/api/v1/dora", "/api/v1/flow", "/api/v1/measurement", "/metrics")
ONE_OF_EACH_FIGURE = "figure"
"""The page of which each name is another question."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, collector(data=Path(folder)) as running:
        os.environ |= running.environment()
        export_all(spans_of(generate(datetime.now(UTC))).records)
        asked = ask(running.web)
        (made,) = (Path(folder) / "compiled").glob("questions-*.jsonl")
        compiled.PACKAGED.mkdir(exist_ok=True)
        for outdated in compiled.PACKAGED.glob("questions-*.jsonl"):
            outdated.unlink()
        shutil.copy(made, compiled.PACKAGED)
        print(f"{asked} addresses asked, {len(made.read_text().splitlines())} questions")


def ask(url: str) -> int:
    """Asks for every kind of address that is linked to, each once; the number of them."""
    ahead, seen = [urljoin(url, address) for address in FROM], set()
    while ahead:
        address = ahead.pop()
        kind = kind_of(address)
        if kind in seen or not address.startswith(url):
            continue
        seen.add(kind)
        try:
            with urlopen(address, timeout=60) as answer:
                body = answer.read().decode() if "html" in answer.headers["content-type"] else ""
        except HTTPError:
            continue
        ahead += [urljoin(address, unescape(link)) for link in re.findall(r'href="([^"#]+)', body)]
    return len(seen)


def kind_of(address: str) -> tuple[object, ...]:
    """What has the same is answered by the same questions."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    figure = query.get("name") if parts.path.endswith(ONE_OF_EACH_FIGURE) else None
    return parts.path, figure, *sorted(query)


if __name__ == "__main__":
    main()
