"""A repository's history as changes and deployments: read (history), weighed (deliveries), put (records)."""
