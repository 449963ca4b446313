"""The address of a peer, as the settings and people write it."""

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def peer_address(shown: str) -> Address:
    """The address in `shown`, as a socket shows it: an IPv6 socket has an IPv4 peer as ::ffff:192.0.2.1, and a
    link-local one as fe80::1%eth0.
    """
    parsed = ip_address(shown.partition("%")[0])
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
