"""A second opinion: what the definitions say, written once more, plainly, over rows instead of tables."""
