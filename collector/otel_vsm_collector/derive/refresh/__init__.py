"""Refresh: which facts new spans touch, and in which order these are computed again."""
