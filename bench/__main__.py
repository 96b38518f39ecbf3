"""Prints the figures, each with what it was measured against."""

import argparse

from bench import latency, throughput, wrapper


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000, help="how many to send over each protocol")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long clients wait for answers")
    parser.add_argument(
        "only", nargs="*", metavar="PART", help="throughput, latency, wrapper; all of them by default"
    )
    arguments = parser.parse_args()
    parts = {
        "throughput": lambda: throughput.report(arguments.spans),
        "latency": lambda: latency.report(arguments.seconds),
        "wrapper": wrapper.report,
    }
    for name in arguments.only or parts:
        print(f"# {name}", flush=True)
        for line in parts[name]():
            print(line, flush=True)


main()
