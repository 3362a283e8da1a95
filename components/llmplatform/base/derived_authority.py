"""A certificate authority that follows from a generated text.

The engine keeps the text, as it keeps passwords, so that each run gives the same authority, and clients can be told its
certificate before a server exists. Key and certificate are on the curve P-256, in the forms that Go's x509 reads.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (NIST SP 800-186, 3.2.1.3)."""
_BEGINS, _ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2056, 1, 1, tzinfo=UTC)
"""Constant, so that no run makes another certificate."""


@dataclass(frozen=True, kw_only=True)
class Authority:
    """An authority, as PEM."""

    certificate: str
    key: str
    """Its private key, in the form of RFC 5915."""


def authority(text: str, name: str) -> Authority:
    """The authority of that name which follows from a text of 256 random bits or more."""
    # 512 bits before the remainder leave no bias (NIST SP 800-56A, 5.6.1.2.1).
    secret = 1 + int.from_bytes(hashlib.sha512(f"{name}\0{text}".encode()).digest()) % (_ORDER - 1)
    key = ec.derive_private_key(secret, ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(identifier.digest[:16]) or 1)
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return Authority(
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode(),
    )


def certificate_of(text: pulumi.Output[str], name: str) -> pulumi.Output[str]:
    """The certificate alone, which is public: no secret, although the text is one."""
    return pulumi.Output.unsecret(text.apply(lambda known: authority(known, name).certificate))


def key_of(text: pulumi.Output[str], name: str) -> pulumi.Output[str]:
    """Its private key, a secret as the text is."""
    return text.apply(lambda known: authority(known, name).key)
