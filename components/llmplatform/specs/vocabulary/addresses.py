"""Addresses: ranges, hosts, URLs, certificates, and registries with their images."""

import base64
import binascii
import ipaddress
import re
import ssl
from typing import Annotated

from pydantic import AfterValidator, Field

from llmplatform.specs import grammar
from llmplatform.specs.vocabulary.matching import Matching


def _cidr(value: str) -> str:
    try:
        if not re.fullmatch(r"\d+(\.\d+){3}/\d+", value, re.ASCII):
            raise ValueError
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError(
            f"'{value}' is not an IPv4 range; write one like 10.20.0.0/16, with no host bits set"
        ) from None
    return str(network)


def _address(value: str) -> str:
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError(f"'{value}' is not an IPv4 address; write one like 1.1.1.1") from None
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError(f"'{value}' is not reachable from pods; write one like 1.1.1.1")
    return str(address)


def _certificate(value: str) -> str:
    rule = "copy certificateAuthority.data of aws eks describe-cluster"
    try:
        decoded = base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError(f"it is not base64; {rule}") from None
    if b"-----BEGIN CERTIFICATE-----" not in decoded:
        raise ValueError(f"it is no certificate (PEM) in base64; {rule}")
    return value


def _bundle(value: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
    # TypeError: letters beyond ASCII.
    except (ssl.SSLError, TypeError, ValueError):
        raise ValueError("it is no certificate (PEM); write what begins with -----BEGIN CERTIFICATE-----") from None
    return value


Cidr = Annotated[str, AfterValidator(_cidr), Field(json_schema_extra={"pattern": r"^\d+(\.\d+){3}/\d+$"})]
Address = Annotated[str, AfterValidator(_address), Field(json_schema_extra={"pattern": r"^\d+(\.\d+){3}$"})]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
Certificate = Annotated[
    str, AfterValidator(_certificate), Field(max_length=65536, json_schema_extra={"pattern": "^[A-Za-z0-9+/]+=*$"})
]
CertificateBundle = Annotated[
    str,
    AfterValidator(_bundle),
    Field(max_length=200_000, json_schema_extra={"pattern": "-----BEGIN CERTIFICATE-----"}),
]
"""One certificate or more, as PEM."""
HttpPath = Annotated[str, Matching(f"(?=/){grammar.PATH}/?", "write a path like /health", longest=1024)]
Host = Annotated[
    str,
    Matching(grammar.LOWER_HOST, "write a host name like llm.example.org", longest=grammar.LONGEST_HOST),
]
HttpsUrl = Annotated[
    str,
    Matching(
        f"https://{grammar.HOST_OR_ADDRESS}{grammar.PORT}{grammar.PATH}/?",
        "write an https:// address of host, port and path alone",
        longest=2048,
    ),
]
ClusterUrl = Annotated[
    str,
    Matching(
        f"https?://{grammar.HOST_OR_ADDRESS}{grammar.PORT}{grammar.PATH}",
        "write an address like http://prometheus-operated.monitoring.svc:9090, without a '/' at its end",
        longest=2048,
    ),
]
"""As pods reach it."""
ProxyUrl = Annotated[
    str,
    Matching(
        rf"(?=http://[^/]*:\d)http://{grammar.HOST_OR_ADDRESS}{grammar.PORT}",
        "write host and port, like http://proxy.example.org:3128, with neither a password nor a path",
        longest=300,
    ),
]
"""A proxy without TLS, which tunnels encrypted connections."""
Unproxied = Annotated[
    str,
    Matching(grammar.UNPROXIED, "write a host, a domain like .example.org, or a range of addresses", longest=255),
]
EndpointUrl = Annotated[
    str,
    Matching(
        f"https://({grammar.HOST_OR_ADDRESS}|{grammar.LOOPBACK}){grammar.PORT}/?",
        "write the https:// address of the API server, of host and port alone",
        longest=2048,
    ),
]
"""As this machine reaches it. A tunnel to a private cluster begins on loopback."""
ChartAddress = Annotated[
    str,
    Matching(
        f"(https|oci)://{grammar.HOST_OR_ADDRESS}{grammar.PORT}{grammar.PATH}",
        "write an https:// or oci:// address, without a '/' at its end",
        longest=2048,
    ),
]
RegistryHost = Annotated[
    str,
    Matching(f"{grammar.LOWER_HOST_OR_ADDRESS}{grammar.PORT}", "write a registry host like docker.io", longest=255),
]
RegistryUser = Annotated[
    str, Matching(r"[!-9;-~]{1,255}", "write the name that the registry knows, which has no ':' and no space")
]
"""As basic authentication splits it from the password (RFC 7617, 2)."""
ImageReference = Annotated[
    str,
    Matching(
        r"(?=.{1,255}(:[^/:@]+)?(@sha256:[0-9a-f]+)?$)"
        f"{grammar.LOWER_HOST_OR_ADDRESS}{grammar.PORT}{grammar.IMAGE_PATH}"
        r"(:(?!latest(@|$))\w[\w.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
        "write registry, name and tag or digest, like registry.example.org/team/server:v1.2.3; 'latest' moves",
        longest=255 + 1 + 128 + 72,
    ),
]
RegistryPrefix = Annotated[
    str,
    Matching(
        f"{grammar.LOWER_HOST_OR_ADDRESS}{grammar.PORT}({grammar.IMAGE_PATH})?",
        "write a registry prefix like registry.example.org/mirror, without https:// and without a '/' at its end",
        longest=200,
    ),
]
