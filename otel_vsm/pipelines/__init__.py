"""Pipelines with the wrappers put in place: what `otel-vsm init` writes.

Files are edited as text, at the positions that their YAML gives, so that comments and formatting stay.
"""
