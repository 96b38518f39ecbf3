"""Webhooks and CDEvents in: one file per source translates what it says into the spans that wrappers send."""
