"""What a model hub says of a model: its configuration, its size, and whether it is gated.

The addresses are those of huggingface.co and of its mirrors: `/ID/resolve/REVISION/FILE` and `/api/models/ID`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

CONFIG, QUANTIZATION, INDEX = "config.json", "hf_quant_config.json", "model.safetensors.index.json"

_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "I16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
"""Bytes of a value by the names of safetensors; one of any other."""
_PACKED = {"I32": 8, "U8": 2}
"""Weights of 4 bit in a value, as AWQ, GPTQ and NVFP4 pack them."""


class HubError(Exception):
    """A model that cannot be read: file or address, fault, remedy, in one line."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The files and facts of one model."""

    config: Mapping[str, Any]
    quantization: Mapping[str, Any] | None = None
    """Its hf_quant_config.json."""
    stored_bytes: int | None = None
    """Bytes of all weights."""
    parameters: int | None = None
    """Number of weights; those of 4 bit are unpacked."""
    gated: bool | None = None
    """None: not known, for files."""


def read_files(config: Path) -> Published:
    """A config.json, and the files beside it."""
    found = _file(config)
    if found is None:
        raise HubError(f"{config}: there is no such file; write the path of a model's config.json")
    index = _file(config.parent / INDEX)
    stored = _stored(index)
    return Published(
        config=found,
        quantization=_file(config.parent / QUANTIZATION),
        stored_bytes=stored,
        # Packed weights cannot be told from others here.
        parameters=stored // 2 if stored else None,
    )


def _file(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError):
        raise HubError(f"{path}: is not JSON; fetch it again") from None
    if not isinstance(found, dict):
        raise HubError(f"{path}: is not a JSON object; write the path of a model's config.json")
    return cast(Mapping[str, Any], found)


def _stored(index: Mapping[str, Any] | None) -> int | None:
    metadata = index.get("metadata") if index else None
    size = cast(Mapping[str, Any], metadata).get("total_size") if isinstance(metadata, Mapping) else None
    return size if isinstance(size, int) else None


def read_hub(
    model: str,
    hub: str,
    *,
    revision: str = "main",
    token: str | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Published:
    """A model at a hub. `token`: for gated models; it is sent to that hub alone."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    base = hub.rstrip("/")
    try:
        with httpx.Client(follow_redirects=True, timeout=60, transport=transport, headers=headers) as client:
            files = f"{base}/{model}/resolve/{revision}"
            config = _get(client, f"{files}/{CONFIG}")
            if config is None:
                raise HubError(
                    f"{model}: {base} has no such model, or it has no {CONFIG}; check the spelling of its id"
                )
            facts = _get(client, f"{base}/api/models/{model}/revision/{revision}") or {}
            index = _get(client, f"{files}/{INDEX}")
            counts: Mapping[str, int] = (facts.get("safetensors") or {}).get("parameters") or {}
            stored = sum(number * _BYTES.get(kind, 1) for kind, number in counts.items()) or _stored(index)
            return Published(
                config=config,
                quantization=_get(client, f"{files}/{QUANTIZATION}"),
                stored_bytes=stored,
                parameters=_unpacked(counts, config) or (stored // 2 if stored else None),
                gated=bool(facts.get("gated")),
            )
    except httpx.HTTPStatusError as error:
        answer = f"{error.response.status_code} {error.response.reason_phrase}".strip()
        if error.response.status_code in (int(httpx.codes.UNAUTHORIZED), int(httpx.codes.FORBIDDEN)):
            raise HubError(
                f"{model}: {base} asks for a login ({answer}); accept its licence there, and set HF_TOKEN"
            ) from None
        raise HubError(f"{model}: {base} gave no answer ({answer}); try again, or name a mirror with --hub") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise HubError(f"{model}: {base} cannot be reached ({said}); name a mirror with --hub, or a file") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HubError(f"{model}: {base} does not answer like a model hub; check --hub") from None


def _get(client: httpx.Client, url: str) -> Mapping[str, Any] | None:
    response = client.get(url)
    if response.status_code == int(httpx.codes.NOT_FOUND):
        return None
    found = response.raise_for_status().json()
    if not isinstance(found, dict):
        raise TypeError(url)
    return cast(Mapping[str, Any], found)


def _unpacked(counts: Mapping[str, int], config: Mapping[str, Any]) -> int:
    packed = _PACKED if "quantization_config" in config else {}
    return sum(number * packed.get(kind, 1) for kind, number in counts.items())
