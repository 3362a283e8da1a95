"""A form of text: its check, its message and its pattern in the JSON schema."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Matching:
    """Text of a form; the form is in the JSON schema, too."""

    pattern: str
    rule: str
    longest: int | None = None
    alphabet: re.RegexFlag = re.ASCII
    """Only ASCII digits and letters: others look the same, and every cloud refuses them."""

    def check(self, value: str) -> str:
        """The text, where it is of the form; else ValueError with the rule."""
        if self.longest and len(value) > self.longest:
            raise ValueError(f"'{value}' is too long; write at most {self.longest} characters")
        if not re.fullmatch(self.pattern, value, self.alphabet):
            raise ValueError(f"'{value}' is not valid; {self.rule}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        length = {"maxLength": self.longest} if self.longest else {}
        # Editors read a `\w` as ASCII alone.
        pattern = self.pattern if self.alphabet is re.ASCII else self.pattern.replace(r"\w", r"\w\u0080-\uffff")
        return {**handler(schema), "pattern": f"^(?:{pattern})$", **length}
