"""Sources of chart archives: classic repositories with an index, and OCI registries.

Both protocols are the public ones: the index of https://helm.sh/docs/topics/chart_repository and the pull part of the
OCI distribution specification, anonymously or with a login of Helm or Docker. Every digest that the source states is
checked.
"""

import hashlib
import re
from typing import Any
from urllib.parse import urljoin

import httpx
import yaml

from llmplatform.catalog.versions import Chart
from llmplatform.cli.registry_logins import Login, login_of

_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class ChartError(Exception):
    """A chart that cannot be fetched: chart, fault, remedy, in one line."""


class UnreachableError(ChartError):
    """A source without an answer, or without an archive in it."""


def fetch(chart: Chart, repository: str, transport: httpx.BaseTransport | None = None) -> bytes:
    """The chart's archive. `repository`: the chart's own or a mirror; for OCI the chart's folder."""
    try:
        with httpx.Client(follow_redirects=True, timeout=60, transport=transport) as client:
            if repository.startswith("oci://"):
                return _from_registry(client, chart, f"{repository.removeprefix('oci://').rstrip('/')}/{chart.name}")
            return _from_index(client, chart, repository.rstrip("/") + "/")
    except httpx.HTTPStatusError as error:
        raise _refused(chart, repository, error.response) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise UnreachableError(f"{chart.name} {chart.version}: {repository} gave no archive ({said})") from None
    except (yaml.YAMLError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        # A proxy or a portal answers instead of the source.
        raise UnreachableError(
            f"{chart.name} {chart.version}: {repository} does not answer like a chart repository"
        ) from None


def _from_index(client: httpx.Client, chart: Chart, repository: str) -> bytes:
    index = yaml.load(_get(client, urljoin(repository, "index.yaml")).content, Loader=_loader())  # noqa: S506
    entries: list[dict[str, Any]] = index.get("entries", {}).get(chart.name, [])
    wanted = chart.version.removeprefix("v")
    entry = next((entry for entry in entries if str(entry["version"]).removeprefix("v") == wanted), None)
    if entry is None:
        raise ChartError(
            f"{chart.name} {chart.version}: {repository} does not have it; check the version in the catalog"
        )
    data = _get(client, urljoin(repository, entry["urls"][0])).content
    _check(chart, data, entry.get("digest"))
    return data


def _from_registry(client: httpx.Client, chart: Chart, repository: str) -> bytes:
    host, _, path = repository.partition("/")
    scheme = "http" if re.match(r"(localhost|127\.0\.0\.1)(:|$)", host) else "https"
    base = f"{scheme}://{host}/v2/{path}"
    # A registry tag has no '+', which is how Helm spells build metadata.
    manifest = _get(client, f"{base}/manifests/{chart.version.replace('+', '_')}", accept=_MANIFEST).json()
    layer = next((layer for layer in manifest.get("layers", []) if layer["mediaType"] == _LAYER), None)
    if layer is None:
        raise ChartError(f"{chart.name} {chart.version}: oci://{repository} holds no Helm chart; check the address")
    data = _get(client, f"{base}/blobs/{layer['digest']}").content
    _check(chart, data, layer["digest"])
    return data


def _refused(chart: Chart, repository: str, response: httpx.Response) -> ChartError:
    name, answer = f"{chart.name} {chart.version}", f"{response.status_code} {response.reason_phrase}".strip()
    if response.status_code not in (int(httpx.codes.UNAUTHORIZED), int(httpx.codes.FORBIDDEN)):
        return UnreachableError(f"{name}: {repository} gave no archive ({answer})")
    host = repository.partition("://")[2].partition("/")[0]
    source = f"{repository.rstrip('/')}/{chart.name}" if repository.startswith("oci://") else chart.name
    repo = "" if repository.startswith("oci://") else f" --repo {repository}"
    login = f"run `helm registry login {host}`, or" if repository.startswith("oci://") else ""
    by_hand = f"fetch it with a login of your own: `helm pull {source}{repo} --version {chart.version} -d .charts`"
    return ChartError(f"{name}: {repository} asks for a login ({answer}); {login} {by_hand}".replace(";  ", "; "))


def _get(client: httpx.Client, url: str, accept: str = "*/*") -> httpx.Response:
    response = client.get(url, headers={"Accept": accept})
    if response.status_code == int(httpx.codes.UNAUTHORIZED):
        login = login_of(httpx.URL(url).netloc.decode())
        scheme, _, rest = response.headers.get("www-authenticate", "").partition(" ")
        if scheme.lower() == "bearer":
            headers = {"Accept": accept, "Authorization": f"Bearer {_token(client, rest, login)}"}
            response = client.get(url, headers=headers)
        elif scheme.lower() == "basic" and login:
            response = client.get(url, headers={"Accept": accept}, auth=login)
    return response.raise_for_status()


def _token(client: httpx.Client, challenge: str, login: Login | None) -> str:
    parts = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = httpx.URL(parts.pop("realm", ""))
    # A password is never sent in clear text.
    auth = login if realm.scheme == "https" or realm.host in ("localhost", "127.0.0.1") else None
    answer = client.get(realm, params=parts, auth=auth).raise_for_status().json()
    return str(answer.get("token") or answer["access_token"])


def _check(chart: Chart, data: bytes, stated: str | None) -> None:
    found = hashlib.sha256(data).hexdigest()
    if stated and stated.removeprefix("sha256:") != found:
        raise ChartError(
            f"{chart.name} {chart.version}: the archive's SHA-256 is {found}, its source states {stated}; fetch again"
        )


def _loader() -> type[yaml.SafeLoader]:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
