"""What is behind a figure: the rows that it is computed from, and what was left out and why."""
