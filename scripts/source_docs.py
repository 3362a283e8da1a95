"""Docstrings of a class' attributes, in the order of the source."""

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """An annotated attribute of a class."""

    name: str
    annotation: str
    """In the source's spelling."""
    default: str | None
    """In the source's spelling; None without one."""
    doc: str
    """The docstring behind it, on one line."""


def attributes(cls: type) -> list[Attribute]:
    """The public annotated attributes of a class' own body."""
    body = cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0])
    found: list[Attribute] = []
    for statement, following in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = following.value if isinstance(following, ast.Expr) else None
            doc = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
            found.append(
                Attribute(
                    name=statement.target.id,
                    annotation=ast.unparse(statement.annotation),
                    default=ast.unparse(statement.value) if statement.value else None,
                    doc=" ".join(doc.split()),
                )
            )
    return [each for each in found if not each.name.startswith("_")]
