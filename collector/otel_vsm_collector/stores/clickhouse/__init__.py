"""The ledger in ClickHouse. Nothing imports it unless it is asked for: its client is no dependency."""
