"""Facts from spans: what the ledger's rows say of changes, stages, deployments and incidents.

Each module holds one fact as plain functions over Ibis tables: tables in, a table out, nothing kept. The
definitions are the project's; `refresh` says in which order they are filled and for whom again.
"""
