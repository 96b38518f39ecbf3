"""A repository's history as changes and deployments: read (history), sorted (deliveries), sent (records)."""
