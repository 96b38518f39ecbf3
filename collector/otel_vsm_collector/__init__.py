"""The collector of otel-vsm: receive → keep → derive."""
