"""Whether somebody else can reach an address."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach what listens there; unknown names are no such hosts."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)
