"""Databases, roles and users of Milvus, as the settings want them. A second run changes nothing.

Arguments: address, file of what is wanted, folder of the passwords, file of the authority (or nothing), and seconds to
wait for Milvus. Removed is only what has a name of the form that this program gives: everything else stays as it is.
Source: Milvus 2.6, internal/rootcoord/root_coord.go (`DropRole` refuses a role that has privileges);
internal/metastore/kv/rootcoord/kv_catalog.go (`ListGrant` gives those of one database, or of all for `*`).
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from llmplatform.services.milvus.programs.rest import Denied, Milvus, Refused, Unreachable, as_root, secret

OURS = re.compile(r"platform_[a-z0-9_]+")
"""A role of ours."""
LOGIN = re.compile(r"platform_[a-z0-9_]+_[ab]")
"""A user of ours: each has two logins, which take turns."""
FREE = "public"
"""The role that every user has."""

Grant = tuple[str, str, str]
"""Privilege, database and collection."""


def main(address: str, wanted: str, secrets: str, authority: str, seconds: str) -> None:
    """Make it so. Raises SystemExit with the reason if Milvus does not."""
    asked = json.loads(Path(wanted).read_text(encoding="utf-8"))
    try:
        reconcile(as_root(address, secrets, authority or None, float(seconds)), asked, secrets)
    except (Denied, Refused, Unreachable) as error:
        raise SystemExit(str(error)) from None


def reconcile(root: Milvus, wanted: Mapping[str, Any], secrets: str) -> None:
    """What is missing is made, and what is ours and not wanted is removed, users before their roles."""
    databases = set(root("databases/list"))
    for name in [each for each in wanted["databases"] if each not in databases]:
        root("databases/create", dbName=name)
        print(f"database {name}: created", flush=True)
    everywhere = ["*", *sorted(databases | {"default", *wanted["databases"]})]
    roles = set(root("roles/list"))
    for name, grants in wanted["roles"].items():
        if name not in roles:
            root("roles/create", roleName=name)
            print(f"role {name}: created", flush=True)
        _grants(root, name, everywhere, {tuple(each) for each in grants})
    _users(root, wanted["users"], secrets)
    for name in sorted(each for each in roles - set(wanted["roles"]) if OURS.fullmatch(each)):
        _grants(root, name, everywhere, set())
        root("roles/drop", roleName=name)
        print(f"role {name}: removed", flush=True)


def _grants(root: Milvus, role: str, databases: Iterable[str], wanted: set[Grant]) -> None:
    found: set[Grant] = set()
    for database in databases:
        for each in root("roles/describe", roleName=role, dbName=database) or []:
            found.add((each["privilege"], each["dbName"], each["objectName"]))
    for action, grants in (("grant", wanted - found), ("revoke", found - wanted)):
        for privilege, database, collection in sorted(grants):
            where = {"dbName": database, "collectionName": collection}
            root(f"roles/{action}_privilege_v2", roleName=role, privilege=privilege, **where)
            print(f"role {role}: {action} {privilege} on {database}.{collection}", flush=True)


def _users(root: Milvus, wanted: Mapping[str, Mapping[str, Any]], secrets: str) -> None:
    found = set(root("users/list"))
    kept: set[str] = set()
    for user, each in wanted.items():
        current, password = each["login"], secret(secrets, each["login"]) or ""
        if current in found and _has_another_password(root, current, password):
            # Its password is that of two versions ago: no client uses it any more.
            root("users/drop", userName=current)
            found.remove(current)
        if current not in found:
            root("users/create", userName=current, password=password)
            found.add(current)
            print(f"user {current}: created", flush=True)
        for login in sorted({f"{user}_a", f"{user}_b"} & found):
            kept.add(login)
            _roles(root, login, set(each["roles"]))
    for login in sorted(each for each in found - kept if LOGIN.fullmatch(each)):
        root("users/drop", userName=login)
        print(f"user {login}: removed", flush=True)


def _has_another_password(root: Milvus, login: str, password: str) -> bool:
    """Whether a login has another password. Raises `Refused` or `Unreachable` if Milvus cannot tell.

    It denies a right one as well while its coordinator does not answer; then `users/list` fails, too.
    """
    user = root.of(login, password)
    if user.lets_in():
        return False
    root("users/list")
    denied = not user.lets_in()
    root("users/list")
    return denied


def _roles(root: Milvus, login: str, wanted: set[str]) -> None:
    found = set(root("users/describe", userName=login) or []) - {FREE}
    for action, roles in (("grant", wanted - found), ("revoke", found - wanted)):
        for role in sorted(roles):
            root(f"users/{action}_role", userName=login, roleName=role)
            print(f"user {login}: {action} {role}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
