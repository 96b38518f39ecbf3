"""Receive: OTLP over gRPC and HTTP; the transports only carry bytes, one function accepts them."""
