"""The collector's web side: the API, the page for Prometheus, health, and a page for people.

All of it only asks: figures come from `figures/`, metrics from `metrics/`, and what is here reads parameters
and writes answers.
"""
