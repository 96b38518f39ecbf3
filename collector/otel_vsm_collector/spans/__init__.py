"""Spans: which are kept, and the columns that they become."""
