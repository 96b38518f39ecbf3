"""Prints the figures, each with what it was measured against."""

import argparse
from collections.abc import Callable, Iterator

from bench import derive, latency, throughput, wrapper


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--spans",
        type=_sizes,
        help="how many to send over each protocol (1000000), or to derive from (100000,1000000)",
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long clients wait for answers")
    parser.add_argument(
        "only", nargs="*", metavar="PART", help="throughput, latency, wrapper, derive; all by default"
    )
    arguments = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "throughput": lambda: throughput.report((arguments.spans or [1_000_000])[0]),
        "latency": lambda: latency.report(arguments.seconds),
        "wrapper": wrapper.report,
        "derive": lambda: derive.report(arguments.spans or [100_000, 1_000_000]),
    }
    for name in arguments.only or parts:
        print(f"# {name}", flush=True)
        for line in parts[name]():
            print(line, flush=True)


main()
