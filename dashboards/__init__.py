"""Grafana's dashboards, as code: `python -m dashboards.generate` writes them to dashboards/grafana/."""
