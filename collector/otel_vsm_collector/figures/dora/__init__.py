"""The DORA figures, each family with the rows that it is computed from and explained by."""
