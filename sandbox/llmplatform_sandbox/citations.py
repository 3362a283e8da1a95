"""Sources of the rows in the sandbox's tables, in a form that a program can follow, or the mark that they are assumed.

What the simulated clouds accept, replace and refuse comes from the providers' sources, the services' models and
published pages: never from what the tested components send, and never from their catalog.
"""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from typing_extensions import override


class Fact(BaseModel):
    """A row, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ProviderSymbol(Fact):
    """A function of the Terraform provider that the Pulumi provider of the same cloud is built from."""

    file: str
    symbol: str
    note: str = ""

    @override
    def __str__(self) -> str:
        return _noted(self.file, self.note)


class RepositoryFile(Fact):
    """A file of a public repository."""

    repository: str
    revision: str
    """Tag, branch or commit."""
    path: str
    note: str = ""

    @override
    def __str__(self) -> str:
        return _noted(f"{self.repository} {self.revision}, {self.path}", self.note)


class ServiceModel(Fact):
    """An operation or a shape of a service's API model, as botocore has it: `ec2.RunInstances`."""

    model: str
    note: str = ""

    @override
    def __str__(self) -> str:
        return _noted(f"API model {self.model}", self.note)


class Page(Fact):
    """A published page."""

    page: str
    """The publication: `EKS user guide`."""
    section: str
    note: str = ""

    @override
    def __str__(self) -> str:
        return _noted(f"{self.page}, {self.section}", self.note)


Citation = ProviderSymbol | RepositoryFile | ServiceModel | Page


class Cited(Fact):
    """A row of a table, with its sources."""

    cites: tuple[Citation, ...] = ()
    """Its sources."""
    assumed: Mapping[str, str] = {}
    """Parts of the row without a source: subject → the sandbox's assumption."""

    @model_validator(mode="after")
    def _says_where_it_is_from(self) -> Self:
        if not self.cites and not self.assumed:
            raise ValueError("neither a citation nor an assumption; write cites, or assumed")
        return self

    @property
    def source(self) -> str:
        """Its sources, for a reader."""
        return "; ".join(map(str, self.cites))


def _noted(where: str, note: str) -> str:
    return f"{where}: {note}" if note else where
