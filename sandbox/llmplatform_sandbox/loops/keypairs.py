"""Key pairs and X.509 certificates from the spec of a cert-manager Certificate."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_CURVES: Final = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Unusable(Exception):
    """A spec that no certificate can be made from."""


@dataclass(frozen=True)
class KeyPair:
    """PEM texts, and the validity."""

    certificate: bytes
    key: bytes
    authority: bytes
    not_before: datetime
    not_after: datetime
    renewal: datetime


def load(certificate: bytes, key: bytes) -> KeyPair:
    """A stored pair. Raises `ValueError` when it is none, or the two do not belong together."""
    parsed = x509.load_pem_x509_certificate(certificate)
    private = serialization.load_pem_private_key(key, None)
    if private.public_key() != parsed.public_key():
        raise ValueError("the key does not belong to the certificate")
    return KeyPair(
        certificate,
        key,
        certificate,
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
        parsed.not_valid_after_utc,
    )


def issue(spec: Mapping[str, Any], *, authority: KeyPair | None, self_signed: bool, issuer: str) -> KeyPair:
    """A new pair for a Certificate's spec: self-signed, signed by `authority`, or by a throw-away one for `issuer`."""
    names = _names(spec)
    if not names and not spec.get("commonName"):
        raise Unusable(
            "spec: none of commonName, dnsNames, ipAddresses, uris, emailAddresses is set; name at least one"
        )
    key = _key(spec.get("privateKey") or {})
    lifetime = duration(spec.get("duration") or "2160h")
    now = datetime.now(UTC).replace(microsecond=0)
    subject = _name(spec.get("commonName"))
    signer, signer_name = _signer(authority, issuer) if not self_signed else (key, subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=bool(spec.get("isCA")), path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not spec.get("commonName"))
    signed = builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    own = signed.public_bytes(serialization.Encoding.PEM)
    above = own if self_signed else authority.certificate if authority else _throw_away(issuer)[1]
    return KeyPair(own, _pem(key, spec), above, now, now + lifetime, now + lifetime - _ahead(spec, lifetime))


def duration(text: str) -> timedelta:
    """A Go duration (`2160h0m0s`). Raises `Unusable`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Unusable(f"{text}: not a duration; write hours, for example 2160h")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def _ahead(spec: Mapping[str, Any], lifetime: timedelta) -> timedelta:
    """How long before its end a certificate is renewed: cert-manager's default is a third of its life."""
    if spec.get("renewBefore"):
        ahead = duration(spec["renewBefore"])
        if ahead >= lifetime:
            raise Unusable(f"spec.renewBefore: {spec['renewBefore']} is not less than the duration; lower it")
        return ahead
    return lifetime * (int(spec["renewBeforePercentage"]) / 100) if spec.get("renewBeforePercentage") else lifetime / 3


def _key(wanted: Mapping[str, Any]) -> PrivateKey:
    size = wanted.get("size")
    match wanted.get("algorithm", "RSA"):
        case "ECDSA":
            return ec.generate_private_key(_CURVES[size or 256]())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, size or 2048)


def _pem(key: PrivateKey, spec: Mapping[str, Any]) -> bytes:
    pkcs8 = (spec.get("privateKey") or {}).get("encoding") == "PKCS8" or isinstance(key, ed25519.Ed25519PrivateKey)
    form = serialization.PrivateFormat.PKCS8 if pkcs8 else serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _names(spec: Mapping[str, Any]) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(name) for name in spec.get("dnsNames") or []),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in spec.get("ipAddresses") or []),
        *(x509.UniformResourceIdentifier(uri) for uri in spec.get("uris") or []),
        *(x509.RFC822Name(address) for address in spec.get("emailAddresses") or []),
    ]


def _name(common: str | None) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])


def _signer(authority: KeyPair | None, issuer: str) -> tuple[PrivateKey, x509.Name]:
    if authority is None:
        key, certificate = _throw_away(issuer)
    else:
        certificate = authority.certificate
        loaded = serialization.load_pem_private_key(authority.key, None)
        if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise Unusable("the authority's key is of a kind that cannot sign")
        key = loaded
    return key, x509.load_pem_x509_certificate(certificate).subject


@cache
def _throw_away(issuer: str) -> tuple[PrivateKey, bytes]:
    """An authority that lives as long as this process, in place of one that would be outside."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"sandbox, in place of {issuer}"[:64])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)
