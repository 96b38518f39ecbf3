"""A delivery history to look at: `make demo`."""
