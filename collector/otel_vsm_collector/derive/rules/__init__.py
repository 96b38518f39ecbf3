"""Rules: what a change, a deployment, a failure is; tables in, a table out."""
