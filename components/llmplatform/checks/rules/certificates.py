"""Rules about ACME authorities and the names that they certify."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.addons import AckAcmeIssuer, AcmeIssuer
from llmplatform.specs.stack import Stack

_LETS_ENCRYPT = ("acme-v02.api.letsencrypt.org", "acme-staging-v02.api.letsencrypt.org")


_DIRECTORY = "/directory"
"""Source: Let's Encrypt's documentation, "ACME protocol updates" and "Staging environment"."""


_BOUND = ("acme.zerossl.com", "dv.acme-v02.api.pki.goog", "dv.acme-v02.test-api.pki.goog")
"""Authorities that need an external account binding. Source: ZeroSSL, "ACME documentation"; Google Cloud, "Request a
certificate using Public CA and an ACME client"."""


_NOT_PUBLIC = ("arpa", "example", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test")
"""Suffixes outside the public DNS. Source: IANA's registry of special-use domain names (RFC 6761, 6762, 7686, 8375);
ICANN's resolution 2024.07.29.06 on `internal`; `home` and `lan` are in no root zone."""


_EXAMPLES = ("example.com", "example.net", "example.org")
"""Source: RFC 2606. Let's Encrypt refuses them in addresses and names (letsencrypt/boulder#3748, and its policy)."""


def authorities_can_be_asked(stack: Stack) -> Iterator[Problem]:
    """The ACME server's address is that of its directory, and it needs no external account binding."""
    issuer = _issuer(stack)
    if issuer is None:
        return
    path, server = "addons.cert_manager.issuer.server", urlsplit(issuer.server)
    host = (server.hostname or "").lower()
    if host in _LETS_ENCRYPT and server.path != _DIRECTORY:
        yield Problem(path, "this is not Let's Encrypt's directory", f"write https://{host}{_DIRECTORY}, or remove it")
    if host in _BOUND:
        yield Problem(
            path,
            f"{host} takes accounts that are bound to one of its customers alone, and there is no setting for that",
            "use another authority, or an issuer of kind 'existing'",
        )


def hosts_can_be_certified(stack: Stack) -> Iterator[Problem]:
    """A public authority certifies only names of the public DNS."""
    issuer, host = _issuer(stack), stack.addons.gateway.host
    if issuer is None or host is None or urlsplit(issuer.server).hostname not in _LETS_ENCRYPT:
        return
    end = host.rpartition(".")[2]
    if end in _NOT_PUBLIC:
        yield Problem(
            "addons.gateway.host",
            f"the public DNS has no names that end in '.{end}', and Let's Encrypt signs no other",
            "write a host of a domain of yours, or set addons.cert_manager.issuer.kind to 'self_signed'",
        )


def examples_are_replaced(stack: Stack) -> Iterator[Problem]:
    """A warning: example domains are to be replaced."""
    issuer = _issuer(stack)
    if issuer is None or urlsplit(issuer.server).hostname not in _LETS_ENCRYPT:
        return
    named = {
        "addons.cert_manager.issuer.email": issuer.email.rpartition("@")[2],
        "addons.gateway.host": stack.addons.gateway.host or "",
    }
    for path, domain in named.items():
        if any(f".{domain.lower()}".endswith(f".{example}") for example in _EXAMPLES):
            yield Problem(
                path,
                f"{listed(_EXAMPLES, 'and')} stand for a domain of yours, and Let's Encrypt refuses them",
                "write yours before 'pulumi up'",
            )


def _issuer(stack: Stack) -> AcmeIssuer | AckAcmeIssuer | None:
    """The ACME issuer, if there is one."""
    manager = stack.addons.cert_manager
    return manager.issuer if manager.enabled and isinstance(manager.issuer, AcmeIssuer | AckAcmeIssuer) else None


PROBLEMS = whole(authorities_can_be_asked, hosts_can_be_certified)
ADVICE = whole(examples_are_replaced)
