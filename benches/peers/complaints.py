"""What checkdmarc says about domain.example, asked from the name server on the ports given as arguments.

Prints one JSON object a line: the port, and for each section its errors and warnings.
"""

import json
import sys

import checkdmarc
import dns.resolver

# Where the two name sections differently.
NAMES = {"smtp_tls_reporting": "tls_rpt"}


def complaints(section):
    """Every error and warning anywhere in a section."""
    if isinstance(section, dict):
        for key, value in section.items():
            if key == "error" and value:
                yield "error", str(value)
            elif key == "warnings":
                yield from (("warning", str(warning)) for warning in value)
            else:
                yield from complaints(value)
    elif isinstance(section, list):
        for part in section:
            yield from complaints(part)


def forget():
    """Empties checkdmarc's caches: here every zone has the same names."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "checkdmarc":
            for value in list(vars(module).values()):
                if type(value).__name__ == "ExpiringDict":
                    value.clear()


def main():
    for port in sys.argv[1:]:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = int(port)
        resolver.timeout = resolver.lifetime = 1.0
        result = checkdmarc.check_domains(["domain.example"], resolver=resolver, skip_tls=True, timeout=1.0)
        forget()
        sections = {}
        for name, section in result.items():
            found = list(dict.fromkeys(complaints(section)))
            if found:
                sections[NAMES.get(name, name)] = found
        print(json.dumps({"port": int(port), "sections": sections}), flush=True)


if __name__ == "__main__":
    main()
