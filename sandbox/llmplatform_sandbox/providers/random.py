"""The `random` package for the engine: random values with the outputs, lengths and character classes of pulumi-random.

Source: https://www.pulumi.com/registry/packages/random/api-docs/. Every input forces a replacement when it changes,
`keepers` included. One output is not the real thing: `bcryptHash` is no bcrypt hash, and says so by its prefix.
"""

import base64
import hashlib
import random
import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from typing_extensions import override

from llmplatform_sandbox.providers.base import (
    UNKNOWN,
    Autonaming,
    Diff,
    Failure,
    ProviderError,
    ProviderServicer,
    Values,
    contains_unknown,
    diff_values,
    secret,
    unwrap_secrets,
)

_SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
_ADJECTIVES: Final = (
    "able",
    "brave",
    "calm",
    "eager",
    "fair",
    "gentle",
    "keen",
    "merry",
    "noble",
    "polite",
    "quick",
    "wise",
)
_ANIMALS: Final = (
    "badger",
    "crane",
    "deer",
    "eagle",
    "gecko",
    "heron",
    "ibex",
    "lynx",
    "marten",
    "otter",
    "puma",
    "stork",
)


def _string_inputs(v: Values) -> dict[str, tuple[int, str]]:
    """Character class → (least number, characters), of the classes that are on."""
    classes = {
        "lower": (v.get("minLower", 0), string.ascii_lowercase),
        "upper": (v.get("minUpper", 0), string.ascii_uppercase),
        "numeric": (v.get("minNumeric", 0), string.digits),
        "special": (v.get("minSpecial", 0), v.get("overrideSpecial") or _SPECIAL),
    }
    numeric = v.get("numeric", v.get("number", True))
    return {name: rule for name, rule in classes.items() if (numeric if name == "numeric" else v.get(name, True))}


def _text(v: Values) -> str:
    classes = _string_inputs(v)
    chosen = [secrets.choice(characters) for least, characters in classes.values() for _ in range(least)]
    everything = "".join(characters for _, characters in classes.values())
    chosen += [secrets.choice(everything) for _ in range(v["length"] - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def _password(v: Values) -> tuple[str, Values]:
    text = _text(v)
    digest = hashlib.sha256(secrets.token_bytes(16) + text.encode()).hexdigest()
    return "none", {"result": secret(text), "bcryptHash": secret(f"$sandbox$not-bcrypt${digest}")}


def _random_string(v: Values) -> tuple[str, Values]:
    text = _text(v)
    return text, {"result": text}


def _random_id(v: Values) -> tuple[str, Values]:
    data, prefix = secrets.token_bytes(v["byteLength"]), v.get("prefix", "")
    url = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return url, {
        "b64Std": prefix + base64.b64encode(data).decode(),
        "b64Url": prefix + url,
        "dec": f"{prefix}{int.from_bytes(data, 'big')}",
        "hex": prefix + data.hex(),
    }


def _random_bytes(v: Values) -> tuple[str, Values]:
    data = secrets.token_bytes(v["length"])
    text = base64.b64encode(data).decode()
    # The real one uses the bytes themselves as its id, a secret in the plain state; a digest serves as well.
    return hashlib.sha256(data).hexdigest()[:16], {"base64": secret(text), "hex": secret(data.hex())}


def _uuid4(v: Values) -> tuple[str, Values]:
    text = str(uuid.uuid4())
    return text, {"result": text}


def _pet(v: Values) -> tuple[str, Values]:
    words = [secrets.choice(_ADJECTIVES) for _ in range(v.get("length", 2) - 1)] + [secrets.choice(_ANIMALS)]
    separator = v.get("separator", "-")
    text = separator.join([*([v["prefix"]] if v.get("prefix") else []), *words])
    return text, {"length": v.get("length", 2), "separator": separator}


def _integer(v: Values) -> tuple[str, Values]:
    number = _source(v).randint(v["min"], v["max"])
    return str(number), {"result": number}


def _shuffle(v: Values) -> tuple[str, Values]:
    items, count, source = list(v["inputs"]), v.get("resultCount"), _source(v)
    source.shuffle(items)
    while items and count is not None and len(items) < count:
        items += source.sample(v["inputs"], len(v["inputs"]))
    return "-", {"results": items[:count]}


def _source(v: Values) -> random.Random:
    return random.Random(v["seed"]) if v.get("seed") else secrets.SystemRandom()  # noqa: S311 - a seed asks for repeatability


_STRING_INPUTS = """
length keepers lower minLower minNumeric minSpecial minUpper number numeric overrideSpecial special upper
"""
_STRING: Final = frozenset(_STRING_INPUTS.split())
_Type = tuple[Callable[[Values], tuple[str, Values]], frozenset[str], frozenset[str], frozenset[str]]
_TYPES: Final[Mapping[str, _Type]] = {
    # Type → (maker, inputs, required inputs, computed outputs).
    "RandomPassword": (_password, _STRING, frozenset({"length"}), frozenset({"result", "bcryptHash"})),
    "RandomString": (_random_string, _STRING, frozenset({"length"}), frozenset({"result"})),
    "RandomId": (
        _random_id, frozenset({"byteLength", "keepers", "prefix"}), frozenset({"byteLength"}),
        frozenset({"b64Std", "b64Url", "dec", "hex"}),
    ),
    "RandomBytes": (
        _random_bytes, frozenset({"length", "keepers"}), frozenset({"length"}), frozenset({"base64", "hex"}),
    ),
    "RandomUuid": (_uuid4, frozenset({"keepers"}), frozenset(), frozenset({"result"})),
    "RandomPet": (_pet, frozenset({"keepers", "length", "prefix", "separator"}), frozenset(), frozenset()),
    "RandomInteger": (
        _integer, frozenset({"keepers", "max", "min", "seed"}), frozenset({"max", "min"}), frozenset({"result"}),
    ),
    "RandomShuffle": (
        _shuffle, frozenset({"inputs", "keepers", "resultCount", "seed"}), frozenset({"inputs"}),
        frozenset({"results"}),
    ),
}  # fmt: skip
_SECRET_OUTPUTS: Final = frozenset({"RandomPassword", "RandomBytes"})
_LENGTHS: Final = ("length", "byteLength")


class RandomProvider(ProviderServicer):
    """Values are generated once, at Create, and exist only in the stack's state."""

    version: ClassVar[str] = "4.21.4"
    config_keys: ClassVar[frozenset[str] | None] = frozenset()

    @override
    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        kind = typ.rpartition(":")[2]
        if kind not in _TYPES:
            return news, [Failure("", f"{typ}: not played by the sandbox; it plays {', '.join(sorted(_TYPES))}")]
        _, known, required, _ = _TYPES[kind]
        failures = [
            Failure(key, f"{key}: {kind} has no such input") for key in sorted(set(news) - known) if key[:2] != "__"
        ]
        failures += [Failure(key, f"{key}: missing") for key in sorted(required - set(news))]
        failures += [
            Failure(key, f"{key}: must be a whole number from 1 up")
            for key in _LENGTHS
            if key in news and news[key] is not UNKNOWN and (not isinstance(news[key], int) or news[key] < 1)
        ]
        if not failures and kind in ("RandomPassword", "RandomString") and not contains_unknown(news):
            failures = _possible(unwrap_secrets(news))
        return news, failures

    @override
    def diff(self, typ: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        changes = diff_values(old_inputs, new_inputs)
        return Diff(changes=changes, replaces=changes.keys())

    @override
    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        kind = typ.rpartition(":")[2]
        make, _, _, computed = _TYPES[kind]
        if preview:
            unknown = secret(UNKNOWN) if kind in _SECRET_OUTPUTS else UNKNOWN
            return "", {**inputs, **dict.fromkeys(computed, unknown)}
        id_, outputs = make(unwrap_secrets(inputs))
        return id_, {**inputs, **outputs}

    @override
    def update(
        self, typ: str, urn: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values,
        preview: bool, timeout: float,
    ) -> Values:  # fmt: skip
        raise ProviderError(f"{typ}: a random value cannot be changed in place")

    def delete(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values, timeout: float) -> None:
        """Nothing exists outside the state."""


def _possible(inputs: Values) -> list[Failure]:
    classes = _string_inputs(inputs)
    if not classes:
        return [Failure("length", "no character class is on; set at least one of lower, upper, numeric, special")]
    least = sum(number for number, _ in classes.values())
    if least > inputs["length"]:
        return [
            Failure("length", f"length: {inputs['length']} is less than the sum of the min… inputs, {least}; raise it")
        ]
    return []
