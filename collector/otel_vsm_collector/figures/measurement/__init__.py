"""How far the figures can be believed."""
