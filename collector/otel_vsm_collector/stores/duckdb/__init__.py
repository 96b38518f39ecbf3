"""The ledger in a DuckDB file."""
