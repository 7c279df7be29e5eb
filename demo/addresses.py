"""Makes addresses.mmdb, the address database of the demo: whose network an address is in, and in which country.

Needs `mmdb-writer` from PyPI. The addresses are of the documentation ranges, as in src/world/pools.rs; the numbers of networks
are those of the services that the demo plays, and else of the ranges for documentation (RFC 5398).
"""

from ipaddress import ip_address, ip_network, summarize_address_range
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

OWN = [
    ("192.0.2.10", "192.0.2.11", 64496, "Meridian Logistics", "NL"),
    ("192.0.2.16", "192.0.2.16", 64496, "Meridian Logistics", "NL"),
    ("192.0.2.24", "192.0.2.27", 64496, "Meridian Logistics", "NL"),
    ("192.0.2.40", "192.0.2.41", 64497, "Oakfield Schools", "GB"),
    ("192.0.2.60", "192.0.2.60", 64498, "Lumen Retail", "DE"),
    ("192.0.2.80", "192.0.2.119", 64500, "Access Net", "DE"),
    ("192.0.2.130", "192.0.2.131", 64501, "Polder Hosting", "NL"),
    ("192.0.2.200", "192.0.2.211", 64505, "Alumni Mail", "GB"),
    ("192.0.2.214", "192.0.2.217", 64506, "Terp Hosting", "NL"),
    ("192.0.2.230", "192.0.2.233", 64507, "Coopnet", "DE"),
    ("198.51.100.1", "198.51.100.14", 8075, "Microsoft Corporation", "IE"),
    ("198.51.100.15", "198.51.100.28", 8075, "Microsoft Corporation", "NL"),
    ("198.51.100.32", "198.51.100.47", 15169, "Google LLC", "US"),
    ("198.51.100.64", "198.51.100.87", 14782, "The Rocket Science Group", "US"),
    ("198.51.100.96", "198.51.100.119", 11377, "SendGrid", "US"),
    ("198.51.100.128", "198.51.100.151", 16509, "Amazon.com", "IE"),
    ("198.51.100.184", "198.51.100.195", 16509, "Amazon.com", "US"),
    ("198.51.100.200", "198.51.100.207", 64502, "Gracht Cloud", "NL"),
    ("203.0.113.200", "203.0.113.219", 65551, "Cheap Hosting", "RU"),
    ("2001:db8:10::", "2001:db8:10::ff", 64496, "Meridian Logistics", "NL"),
    ("2001:db8:24::", "2001:db8:24::ff", 64496, "Meridian Logistics", "NL"),
    ("2001:db8:60::", "2001:db8:60::ff", 64498, "Lumen Retail", "DE"),
    ("2001:db8:71::", "2001:db8:71::ff", 64501, "Polder Hosting", "NL"),
    ("2001:db8:200::", "2001:db8:200::ff", 64505, "Alumni Mail", "GB"),
    ("2001:db8:365::", "2001:db8:365::ff", 8075, "Microsoft Corporation", "IE"),
    ("2001:db8:486::", "2001:db8:486::ff", 15169, "Google LLC", "US"),
]

# Where the machines are that somebody took over: a share of them each.
TAKEN_OVER = [
    (64508, "Rio Access", "BR", 5),
    (64509, "Hanoi Broadband", "VN", 5),
    (64510, "Deccan Telecom", "IN", 4),
    (64511, "Java Cable", "ID", 3),
    (65536, "Bosporus Net", "TR", 2),
    (65537, "Pampa Fibra", "AR", 2),
    (65538, "Pearl River Mobile", "CN", 3),
    (65539, "Prairie Cable", "US", 3),
    (65540, "Cape Wireless", "ZA", 1),
    (65541, "Andes Conecta", "CO", 1),
    (65542, "Visla Net", "PL", 1),
]


def main():
    writer = MMDBWriter(6, ipv4_compatible=True, database_type="ipinfo bundle_location_lite.mmdb", languages=["en"])
    for first, last, asn, name, country in OWN + list(taken_over()):
        networks = summarize_address_range(ip_address(first), ip_address(last))
        writer.insert_network(
            IPSet([str(network) for network in networks]),
            {"asn": f"AS{asn}", "as_name": name, "country_code": country},
        )
    writer.to_db_file(str(Path(__file__).with_name("addresses.mmdb")))


def taken_over():
    """Pieces of the two ranges, dealt out by share."""
    pieces = list(ip_network("203.0.113.0/25").subnets(new_prefix=30)) + list(ip_network("203.0.113.128/26").subnets(new_prefix=30))
    pieces += list(ip_network("2001:db8:bad::/119").subnets(new_prefix=125))
    dealt = [one for one in TAKEN_OVER for _ in range(one[3])]
    # The step has no factor in common with the number of cards, so that neighbours are strangers.
    for place, piece in enumerate(pieces):
        asn, name, country, _ = dealt[place * 7 % len(dealt)]
        yield str(piece[0]), str(piece[-1]), asn, name, country


if __name__ == "__main__":
    main()
