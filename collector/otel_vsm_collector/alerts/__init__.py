"""Rules for Prometheus that follow from what is declared."""
