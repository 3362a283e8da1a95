"""Addresses of weights that do not come from a hub: buckets, and claims in the cluster."""

from dataclasses import dataclass

SCHEMES = ("s3", "oss", "pvc")


@dataclass(frozen=True)
class Address:
    """Where weights lie, as `SCHEME://NAME/PATH`."""

    scheme: str
    """`s3`: a bucket of AWS; `oss`: one of Alibaba Cloud; `pvc`: a PersistentVolumeClaim in the models' namespace."""
    name: str
    """Of the bucket, or the claim."""
    path: str
    """Prefix of the objects' keys, or folder of the volume; without slashes at its ends."""

    @property
    def is_bucket(self) -> bool:
        """Whether objects are copied from there; a claim is mounted."""
        return self.scheme != "pvc"

    def __str__(self) -> str:
        """As settings have it."""
        return f"{self.scheme}://{self.name}" + (f"/{self.path}" if self.path else "")


def address(source: str | None) -> Address | None:
    """The address in a setting; None for a model at a hub, or without one."""
    scheme, separator, rest = (source or "").partition("://")
    if not separator:
        return None
    name, _, path = rest.partition("/")
    return Address(scheme, name, path)
