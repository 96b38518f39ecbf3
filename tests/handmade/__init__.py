"""What tests make by hand: facts, requests, and what stands in for parts of the collector."""
