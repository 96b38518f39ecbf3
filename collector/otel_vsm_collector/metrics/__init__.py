"""Metrics: what the facts and the collector's own health look like to a metrics backend.

`Metrics` holds all of them and gives one answer, `collect()`, from which both the OTLP export and the page
for Prometheus are written; so the two can never disagree.
"""
