"""Rules about databases, roles and users of Milvus."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, suggestion
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.services import Milvus
from llmplatform.specs.stack import Stack
from llmplatform.specs.vocabulary.milvus import EVERY, LEVELS

_HERE = "services.milvus"


def _wanted(stack: Stack) -> Milvus | None:
    spec = stack.services.milvus
    return spec if spec.enabled and stack.platform.kind == "new" else None


def users_have_roles_that_are_there(stack: Stack) -> Iterator[Problem]:
    """Each role of a user is one of the file."""
    spec = _wanted(stack)
    for name, user in spec.users.items() if spec else ():
        for number, role in enumerate(user.roles):
            if spec and role not in spec.roles:
                yield Problem(
                    f"{_HERE}.users.{name}.roles[{number}]",
                    f"there is no role '{role}'",
                    suggestion(role, list(spec.roles), f"add it to {_HERE}.roles"),
                )


def roles_are_on_databases_that_are_there(stack: Stack) -> Iterator[Problem]:
    """Each database of a grant is `default`, or one that the file names."""
    spec = _wanted(stack)
    for name, role in spec.roles.items() if spec else ():
        for number, grant in enumerate(role.grants):
            if spec and grant.database not in (EVERY, "default", *spec.databases):
                yield Problem(
                    f"{_HERE}.roles.{name}.grants[{number}].database",
                    f"there is no database '{grant.database}'",
                    suggestion(grant.database, ["default", *spec.databases], f"add it to {_HERE}.databases"),
                )


def privileges_are_on_their_level(stack: Stack) -> Iterator[Problem]:
    """A privilege on a database is for all its collections, and one on the cluster for all databases.

    Source: Milvus 2.6, internal/proxy/impl.go, `OperatePrivilegeV2`; milvus.io/docs/grant_privileges.md.
    """
    spec = _wanted(stack)
    for name, role in spec.roles.items() if spec else ():
        for number, grant in enumerate(role.grants):
            here = f"{_HERE}.roles.{name}.grants[{number}]"
            for privilege in grant.privileges:
                level = LEVELS[privilege]
                if level != "collection" and grant.collection != EVERY:
                    whole_of = "the cluster" if level == "cluster" else "a database"
                    yield Problem(
                        f"{here}.collection",
                        f"'{privilege}' is a privilege on {whole_of}, not on the collection '{grant.collection}'",
                        "write '*', or give it a grant of its own",
                    )
                if level == "cluster" and grant.database != EVERY:
                    yield Problem(
                        f"{here}.database",
                        f"'{privilege}' is a privilege on the cluster, not on the database '{grant.database}'",
                        "write '*', or give it a grant of its own",
                    )


def secrets_are_where_clients_are(stack: Stack) -> Iterator[Problem]:
    """The network lets in the clients' namespaces alone, so a Secret anywhere else is of no use."""
    spec = _wanted(stack)
    for name, user in spec.users.items() if spec else ():
        known = [stack.platform.models_namespace, *(spec.clients if spec else ())]
        if user.namespace is not None and user.namespace not in known:
            yield Problem(
                f"{_HERE}.users.{name}.namespace",
                f"pods of '{user.namespace}' do not reach Milvus",
                suggestion(user.namespace, known, f"add it to {_HERE}.clients"),
            )


PROBLEMS = whole(
    users_have_roles_that_are_there,
    roles_are_on_databases_that_are_there,
    privileges_are_on_their_level,
    secrets_are_where_clients_are,
)
