"""Users, roles, grants and databases behind Milvus' REST API, in memory.

Paths and the fields that each must have: Milvus 2.6, internal/distributed/proxy/httpserver/handler_v2.go and
request_v2.go (`binding:"required"`). What is refused: internal/proxy/util.go (`ValidateUsername`, `ValidatePassword`)
and impl.go (`UpdateCredential`: the old password), internal/rootcoord/root_coord.go (`CreateRole`, `DropRole`,
`OperateUserRole`), milvus.io/docs/grant_privileges.md (levels). The grants of a role are those on one database, and
with `*` those on all: internal/metastore/kv/rootcoord/kv_catalog.go, `ListGrant`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from support.milvus_rest.serving import Fault

FIELDS: Mapping[str, tuple[str, ...]] = {
    "collections/list": (),
    "databases/list": (),
    "databases/create": ("dbName",),
    "users/list": (),
    "users/describe": ("userName",),
    "users/create": ("userName", "password"),
    "users/update_password": ("userName", "password", "newPassword"),
    "users/drop": ("userName",),
    "users/grant_role": ("userName", "roleName"),
    "users/revoke_role": ("userName", "roleName"),
    "roles/list": (),
    "roles/describe": ("roleName",),
    "roles/create": ("roleName",),
    "roles/drop": ("roleName",),
    "roles/grant_privilege_v2": ("roleName", "privilege"),
    "roles/revoke_privilege_v2": ("roleName", "privilege"),
}


class Access:
    """Who may log in, and what Milvus was asked to change."""

    def __init__(self, root: str) -> None:
        self.passwords = {"root": root}
        self.databases = {"default"}
        self.roles: dict[str, set[tuple[str, str, str]]] = {"admin": set(), "public": set()}
        self.given: dict[str, set[str]] = {"root": {"admin"}}
        self.changes: list[str] = []

    def __call__(self, user: str, path: str, body: Mapping[str, Any]) -> Any:
        """The data of an answer. Raises `Fault`."""
        if missing := [each for each in FIELDS[path] if not body.get(each)]:
            raise Fault(f"missing required parameters: {missing}")
        if path == "collections/list":
            return []
        if user != "root":
            raise Fault(f"permission deny to {user}")
        kind, _, action = path.partition("/")
        if action not in ("list", "describe"):
            self.changes.append(path)
        named = {key: str(value) for key, value in body.items()}
        return getattr(self, f"{kind}_{action}")(**named)

    def databases_list(self) -> list[str]:
        return sorted(self.databases)

    def databases_create(self, dbName: str) -> None:
        self._new(dbName, self.databases)
        self.databases.add(dbName)

    def users_list(self) -> list[str]:
        return sorted(self.passwords)

    def users_describe(self, userName: str) -> list[str]:
        self._known(userName, self.passwords)
        return sorted(self.given.get(userName, set()))

    def users_create(self, userName: str, password: str) -> None:
        if len(userName) > 32 or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", userName):
            raise Fault(f"invalid user name {userName}")
        self._new(userName, self.passwords)
        self._password(password)
        self.passwords[userName] = password
        self.given[userName] = set()

    def users_update_password(self, userName: str, password: str, newPassword: str) -> None:
        self._known(userName, self.passwords)
        if self.passwords[userName] != password:
            raise Fault(f"old password not correct for {userName}")
        self._password(newPassword)
        self.passwords[userName] = newPassword

    def users_drop(self, userName: str) -> None:
        if userName == "root":
            raise Fault("root user cannot be deleted")
        self._known(userName, self.passwords)
        del self.passwords[userName], self.given[userName]

    def users_grant_role(self, userName: str, roleName: str) -> None:
        self._known(userName, self.passwords)
        self._known(roleName, self.roles)
        self.given[userName].add(roleName)

    def users_revoke_role(self, userName: str, roleName: str) -> None:
        self._known(roleName, self.roles)
        self.given[userName].remove(roleName)

    def roles_list(self) -> list[str]:
        return sorted(self.roles)

    def roles_describe(self, roleName: str, dbName: str = "default") -> list[dict[str, str]]:
        self._known(roleName, self.roles)
        return [
            {"objectType": "Global", "privilege": privilege, "dbName": database, "objectName": name, "grantor": "root"}
            for privilege, database, name in sorted(self.roles[roleName])
            if dbName in ("*", database) or database == "*"
        ]

    def roles_create(self, roleName: str) -> None:
        self._new(roleName, self.roles)
        self.roles[roleName] = set()

    def roles_drop(self, roleName: str) -> None:
        self._known(roleName, self.roles)
        if self.roles[roleName]:
            raise Fault("fail to drop the role that it has privileges. Use REVOKE API to revoke privileges")
        del self.roles[roleName]
        for roles in self.given.values():
            roles.discard(roleName)

    def roles_grant_privilege_v2(
        self, roleName: str, privilege: str, dbName: str = "default", collectionName: str = ""
    ) -> None:
        self._known(roleName, self.roles)
        if privilege.startswith(("Database", "Cluster")) and collectionName != "*":
            raise Fault("collectionName should be * for a privilege on a database or the cluster")
        if privilege.startswith("Cluster") and dbName != "*":
            raise Fault("dbName should be * for a privilege on the cluster")
        self.roles[roleName].add((privilege, dbName, collectionName))

    def roles_revoke_privilege_v2(
        self, roleName: str, privilege: str, dbName: str = "default", collectionName: str = ""
    ) -> None:
        self._known(roleName, self.roles)
        self.roles[roleName].remove((privilege, dbName, collectionName))

    def _known(self, name: str, names: Iterable[str]) -> None:
        if name not in set(names):
            raise Fault(f"not found: {name}")

    def _new(self, name: str, names: Iterable[str]) -> None:
        if name in set(names):
            raise Fault(f"already exists: {name}")

    def _password(self, password: str) -> None:
        if not 6 <= len(password) <= 72:
            raise Fault("invalid password length")
