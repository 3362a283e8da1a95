"""Makes MLflow's users, their passwords and rights as they are declared. Runs in MLflow's image, as the administrator.

Arguments: a file with the declared users, `{NAME: {TYPE: PERMISSION}}`, and a folder with a password for each, named
like the user. A role `llmplatform:NAME` holds the rights of a user, and says
that the user is declared: only such users are changed, and deleted once they are not declared any more.
Source: mlflow 3.17.2, server/auth/client.py, and server/auth/permissions.py for types and permissions.
"""

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

PREFIX = "llmplatform:"
WORKSPACE = "default"
"""All there is where workspaces are off."""
DESCRIPTION = "Declared in the platform's stack file. What is changed here is changed back."


def main(declared: str, passwords: str) -> None:
    """Make what is declared and delete what is not any more. Exits with the names that belong to users made by hand."""
    client = import_module("mlflow.server").get_app_client("basic-auth", os.environ["MLFLOW_TRACKING_URI"])
    wanted: Mapping[str, Mapping[str, str]] = json.loads(Path(declared).read_text())
    roles = {role.name: role for role in client.list_roles(WORKSPACE) if role.name.startswith(PREFIX)}
    taken = [
        name
        for name, rights in sorted(wanted.items())
        if not _made(client, roles, name, rights, Path(passwords, name).read_text())
    ]
    for role in roles.values():
        name = role.name.removeprefix(PREFIX)
        if name not in wanted:
            if _user(client, name):
                client.delete_user(name)
            client.delete_role(role.id)
            print(f"deleted {name}")
    if taken:
        sys.exit(
            f"made by hand, and left alone: {', '.join(taken)}; declare other names, or delete them in MLflow first"
        )


def _made(client: Any, roles: Mapping[str, Any], name: str, rights: Mapping[str, str], password: str) -> bool:
    """Whether it is there as declared. The role comes first: a user without it is another's."""
    role = roles.get(PREFIX + name)
    if role is None:
        if _user(client, name):
            return False
        role = client.create_role(WORKSPACE, PREFIX + name, DESCRIPTION)
    _grant(client, role, rights)
    if _user(client, name):
        client.update_user_password(name, password)
    else:
        client.create_user(name, password)
        print(f"created {name}")
    if all(each.id != role.id for each in client.list_user_roles(name)):
        client.assign_role(name, role.id)
    return True


def _grant(client: Any, role: Any, rights: Mapping[str, str]) -> None:
    """The role with these rights and no others."""
    left = dict(rights)
    for held in role.permissions:
        wanted = left.pop(held.resource_type, None) if held.resource_pattern == "*" else None
        if wanted is None:
            client.remove_role_permission(held.id)
        elif held.permission != wanted:
            client.update_role_permission(held.id, wanted)
    for kind, permission in left.items():
        client.add_role_permission(role.id, kind, "*", permission)


def _user(client: Any, name: str) -> bool:
    """Whether there is such a user."""
    try:
        client.get_user(name)
    except import_module("mlflow.exceptions").MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
