"""What the settings' classes of an engine's wheel say of their fields: types, choices and bounds."""

import ast
from collections.abc import Iterable, Mapping


def annotated(modules: Iterable[ast.Module]) -> dict[str, dict[str, ast.AnnAssign]]:
    """The annotated fields of all classes."""
    return {
        cls.name: {
            field.target.id: field
            for field in cls.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        }
        for module in modules
        for cls in ast.walk(module)
        if isinstance(cls, ast.ClassDef)
    }


SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def bounds_of(field: ast.AnnAssign) -> str:
    """What `Field(ge=0, lt=1)` asks of a number: `>=0 <1`."""
    words = field.value.keywords if isinstance(field.value, ast.Call) else []
    return " ".join(f"{SIGNS[word.arg]}{ast.unparse(word.value)}" for word in words if word.arg in SIGNS)


def literals(modules: Iterable[ast.Module]) -> dict[str, tuple[str, ...]]:
    """The types of all modules that are `Literal[…]`, with the choices of others within them."""
    assigned = {
        node.targets[0].id: node.value
        for module in modules
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    found = {name: choices_of(value, assigned) for name, value in assigned.items()}
    return {name: choices for name, choices in found.items() if choices}


def choices_of(value: ast.expr, types: Mapping[str, ast.expr]) -> tuple[str, ...]:
    """The choices of `Literal[…]`, in the order of the source; none where it is another expression."""
    if not (isinstance(value, ast.Subscript) and ast.unparse(value.value) == "Literal"):
        return ()
    found: list[str] = []
    for each in value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]:
        named = types.get(ast.unparse(each), each)
        inner = (str(each.value),) if isinstance(each, ast.Constant) else choices_of(named, types)
        if not inner:
            return ()
        found += inner
    return tuple(found)
