"""The API: parameters in, models out; figures come from `figures/`."""
