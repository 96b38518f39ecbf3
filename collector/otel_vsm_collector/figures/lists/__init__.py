"""Changes, deployments and incidents as the API lists them."""
