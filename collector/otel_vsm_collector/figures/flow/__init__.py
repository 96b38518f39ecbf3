"""The figures of flow, each family with the rows that it is computed from and explained by."""
