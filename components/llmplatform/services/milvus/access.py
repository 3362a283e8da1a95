"""Users and roles of Milvus: generated passwords, a Secret for each user, and a Job that makes it so.

The Job waits for Milvus, changes what differs, and ends. Its name has the settings in it, so that a change runs it
anew. A password is never in its command or its environment.
A user's version decides its login: odd numbers use `_a`, even ones `_b`. The login before stays as it is, so that
clients change at their own time.
"""

import hashlib
import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.catalog.versions import HYDRATION_IMAGE
from llmplatform.services.milvus import pods
from llmplatform.services.milvus.place import Place
from llmplatform.services.milvus.resource import PASSWORD_KEY, ROOT_SECRET, USER_KEY
from llmplatform.specs.services import Milvus as Spec
from llmplatform.specs.services import MilvusUser

LOGINS, PROGRAMS, WANTED = "milvus-logins", "milvus-programs", "access.json"
BEFORE = "password-before"
"""Key of the password that `root` had before."""
PATIENCE = "60m"
_WAIT_SECONDS, _DEADLINE_SECONDS = 2400, 3300
"""A first start fetches images, and makes nodes and an etcd before."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1


def login(user: str, version: int) -> str:
    """Name of a user in Milvus."""
    return f"platform_{user}_{'a' if version % 2 else 'b'}"


def root(place: Place) -> pulumi.Output[str]:
    """Secret of the first user, whose password Milvus takes at its first start; later the Job changes it."""
    version = place.spec.root_password_version
    data = {USER_KEY: "root", PASSWORD_KEY: _password(place, "root", version)}
    if version > 1:
        data[BEFORE] = _password(place, "root", version - 1)
    secret = core.Secret(
        f"{place.logical}-root-secret", metadata=place.meta(ROOT_SECRET), string_data=data, opts=place.child()
    )
    return after(ROOT_SECRET, secret)


def _password(place: Place, role: str, version: int) -> pulumi.Output[str]:
    """Milvus' limit is 72 characters."""
    number = f"-{version}" if version > 1 else ""
    made = random.RandomPassword(f"{place.logical}-{role}{number}", length=40, special=False, opts=place.child())
    return pulumi.Output.secret(made.result)


def user_secrets(place: Place, address: str) -> tuple[dict[str, pulumi.Output[str]], dict[str, pulumi.Output[str]]]:
    """Secret of each user, `NAMESPACE/NAME`, and password of each login."""
    found: dict[str, pulumi.Output[str]] = {}
    passwords: dict[str, pulumi.Output[str]] = {}
    for name, user in place.spec.users.items():
        current = login(name, user.password_version)
        passwords[current] = _password(place, f"user-{name}", user.password_version)
        space, secret = _home(place, user), f"milvus-user-{name.replace('_', '-')}"
        made = core.Secret(
            f"{place.logical}-user-{name}-secret",
            metadata=place.meta(secret, namespace=space),
            string_data={USER_KEY: current, PASSWORD_KEY: passwords[current], "address": address},
            opts=place.child(),
        )
        found[name] = pulumi.Output.concat(space, "/", after(secret, made))
    return found, passwords


def _home(place: Place, user: MilvusUser) -> pulumi.Input[str]:
    if user.namespace is None:
        return place.space
    return place.site.models_namespace if user.namespace == place.site.models_home else user.namespace


def wanted(spec: Spec) -> dict[str, Any]:
    """What the program makes so."""
    return {
        "databases": list(spec.databases),
        "roles": {
            f"platform_{name}": [
                [privilege, grant.database, grant.collection] for grant in role.grants for privilege in grant.privileges
            ]
            for name, role in spec.roles.items()
        },
        "users": {
            f"platform_{name}": {
                "login": login(name, user.password_version),
                "roles": [f"platform_{each}" for each in user.roles],
            }
            for name, user in spec.users.items()
        },
    }


def files(place: Place) -> pulumi.Output[str]:
    """ConfigMap of the programs, and of what the Job makes so."""
    made = core.ConfigMap(
        f"{place.logical}-access-files",
        metadata=place.meta(PROGRAMS),
        data={**pods.program_files(), WANTED: json.dumps(wanted(place.spec), sort_keys=True)},
        opts=place.child(),
    )
    return after(PROGRAMS, made)


def job(
    place: Place,
    address: str,
    programs: pulumi.Input[str],
    passwords: dict[str, pulumi.Output[str]],
    root_secret: pulumi.Input[str],
    certificate: pulumi.Input[str] | None,
    milvus: pulumi.Resource,
) -> pulumi.Resource:
    """The Job. Before it has ended, a user's Secret may name a login that is not there yet."""
    site, asked = place.site, json.dumps(wanted(place.spec), sort_keys=True)
    logins = core.Secret(
        f"{place.logical}-logins-secret",
        metadata=place.meta(LOGINS),
        # An empty mapping would be a change in every update: the API server drops it.
        string_data=pulumi.Output.secret(pulumi.Output.all(**passwords)) if passwords else None,
        opts=place.child(),
    )
    mounts = [
        pods.programs(programs, WANTED),
        _logins(after(LOGINS, logins), root_secret, place.spec.root_password_version),
        *pods.authority(certificate),
    ]
    image = site.mirrors.image(HYDRATION_IMAGE)
    command = pods.run(
        "access",
        address,
        f"{pods.PROGRAMS}/{WANTED}",
        pods.SECRETS,
        pods.AUTHORITY_FILE if certificate is not None else "",
        str(_WAIT_SECONDS),
    )
    chosen = next((pool for pool in site.pools if pool.name == place.spec.pool), None)
    pod = pods.template(
        [pods.container("access", image, command, mounts)],
        mounts,
        labels=labels("milvus-access", instance=place.logical),
        pull_secrets=site.mirrors.pull_secrets,
        pool=chosen,
    )
    # Two versions on, a login has the same name and another password.
    versions = {name: user.password_version for name, user in place.spec.users.items()}
    inputs = [asked, versions, place.spec.root_password_version, command, image, pods.program_files()]
    text = json.dumps(inputs, sort_keys=True)
    name = f"milvus-access-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    return kubernetes.batch.v1.Job(
        f"{place.logical}-access",
        # The next update makes one again that has failed.
        metadata=place.meta(name, annotations={"pulumi.com/replaceUnready": "true"}),
        spec=kubernetes.batch.v1.JobSpecArgs(backoff_limit=2, active_deadline_seconds=_DEADLINE_SECONDS, template=pod),
        opts=place.child(depends_on=[milvus], custom_timeouts=pulumi.CustomTimeouts(create=PATIENCE)),
    )


def root_files(version: int) -> dict[str, str]:
    """Keys of the Secret of `root` to files of the programs."""
    return {PASSWORD_KEY: "root", **({BEFORE: "root-before"} if version > 1 else {})}


def _logins(name: pulumi.Input[str], root_secret: pulumi.Input[str], version: int) -> pods.Mount:
    """The passwords of users and of `root`, in one folder."""
    items = [core.KeyToPathArgs(key=key, path=path) for key, path in root_files(version).items()]
    first = core.SecretProjectionArgs(name=root_secret, items=items)
    both = [core.VolumeProjectionArgs(secret=each) for each in (first, core.SecretProjectionArgs(name=name))]
    source = core.ProjectedVolumeSourceArgs(default_mode=0o440, sources=both)
    return pods.Mount(name="secrets", path=pods.SECRETS, source={"projected": source})


def outputs(secrets: dict[str, pulumi.Output[str]]) -> pulumi.Output[dict[str, str]]:
    """User to its Secret, `NAMESPACE/NAME`."""
    return pulumi.Output.all(**secrets) if secrets else pulumi.Output.from_input({})
