"""The host for clients: for now, its certificate."""

from llmplatform.addons.certificate import Certificate, CertificateArgs
from llmplatform.base.site import Site
from llmplatform.specs.addons import Gateway as Spec


def install(site: Site) -> Site:
    """A certificate for the gateway's host, if there are a host and an issuer."""
    spec = site.wanted(Spec)
    if spec and spec.host and site.issuer is not None:
        args = CertificateArgs(host=spec.host, namespace=site.models_namespace, issuer=site.issuer)
        Certificate("gateway", args, site.opts)
    return site
