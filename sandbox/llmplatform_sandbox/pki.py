"""Certificates and kubeconfigs of the control plane: an authority, a server, a client per identity."""

import base64
import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from llmplatform_sandbox.paths import write_private

_VALID = datetime.timedelta(days=365)
CLIENTS = {
    # Identity → (user, group); users and groups of the controllers as Kubernetes' own role bindings name them.
    "admin": ("sandbox-admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-scheduler": ("system:kube-scheduler", None),
    "kwok": ("sandbox-kubelets", "system:masters"),
}


@dataclass(frozen=True)
class Pki:
    """The files below `folder`; keys and kubeconfigs have mode 0600."""

    folder: Path

    def certificate(self, name: str) -> Path:
        """PEM certificate of `ca`, `server` or a client."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """PEM key that goes with it."""
        return self.folder / f"{name}.key"

    def kubeconfig(self, name: str) -> Path:
        """Kubeconfig of a client identity."""
        return self.folder / f"{name}.kubeconfig"

    @property
    def mounted(self) -> Path:
        """The server's certificate as a pod mounts a Secret of the type kubernetes.io/tls, for programs on loopback."""
        folder = self.folder / "mounted"
        folder.mkdir(exist_ok=True)
        files = {"ca.crt": self.certificate("ca"), "tls.crt": self.certificate("server"), "tls.key": self.key("server")}
        for name, file in files.items():
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(file)
        return folder

    @property
    def encryption(self) -> Path:
        """Configuration with the key under which the API server stores Secrets."""
        return self.folder / "encryption.yaml"

    def exists(self) -> bool:
        """Whether `create` came to its end."""
        # The last file that `create` writes.
        return self.key("service-accounts").exists()

    def create(self) -> None:
        """Make all certificates, the key that signs service account tokens, and the one that encrypts Secrets."""
        self.folder.mkdir(parents=True, exist_ok=True)
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority = _name("sandbox authority", None)
        authority_certificate = (
            _builder(authority, authority, authority_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=True), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        self._write("ca", authority_certificate, authority_key)
        alternatives = [
            x509.DNSName("localhost"),
            x509.DNSName("kubernetes.default.svc"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        names = {"server": ("kube-apiserver", None), "etcd-client": ("kube-apiserver-etcd-client", None), **CLIENTS}
        for file, (user, group) in names.items():
            key = ec.generate_private_key(ec.SECP256R1())
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = _builder(_name(user, group), authority, key).add_extension(_key_usage(), critical=True)
            if file == "server":
                usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
                builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            self._write(file, builder.sign(authority_key, hashes.SHA256()), key)
        key = {"name": "sandbox", "secret": base64.b64encode(os.urandom(32)).decode()}
        encryption = {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": [{"secretbox": {"keys": [key]}}]}],
        }
        write_private(self.encryption, yaml.safe_dump(encryption))
        write_private(self.key("service-accounts"), _pem(ec.generate_private_key(ec.SECP256R1())))

    def write_kubeconfigs(self, server: str) -> None:
        """One kubeconfig per client identity, for an API server at an https URL."""
        for client in CLIENTS:
            config = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "sandbox",
                        "cluster": {"server": server, "certificate-authority": str(self.certificate("ca"))},
                    }
                ],
                "users": [
                    {
                        "name": client,
                        "user": {
                            "client-certificate": str(self.certificate(client)),
                            "client-key": str(self.key(client)),
                        },
                    }
                ],
                "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": client}}],
                "current-context": "sandbox",
            }
            write_private(self.kubeconfig(client), yaml.safe_dump(config))

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_private(self.key(name), _pem(key))


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _name(user: str, group: str | None) -> x509.Name:
    organisation = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*organisation, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _VALID)
    )


def _key_usage(*, sign_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
