"""Prints the figures, each with what it was measured against."""

import argparse

from bench import throughput


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000, help="how many to send over each protocol")
    arguments = parser.parse_args()
    for line in throughput.report(arguments.spans):
        print(line, flush=True)


main()
