"""`llmplatform catalog`: what the catalog knows, and new models for it."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from llmplatform.catalog.model_config import Described
    from llmplatform.cli.hub import Published

app = typer.Typer(help="GPUs, machines and models that are known.", no_args_is_help=True, rich_markup_mode="markdown")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Wanted = Annotated[str, typer.Argument(help="Print only names with this text.", metavar="[TEXT]")]


@app.callback()
def group() -> None:
    """GPUs, machines and models that are known."""


@app.command("models")
def models_(text: Wanted = "", as_json: Json = False) -> None:
    """Print the models whose shape is known.

    Example: `llmplatform catalog models Qwen3`.
    """
    from llmplatform.catalog import models
    from llmplatform.planning.fit import weights_gib

    found: list[dict[str, Any]] = []
    for name in _with(text, models.names()):
        shape = models.known(name)
        found.append(
            {
                "id": name,
                "parameters_billion": shape.parameters_billion,
                "weights": models.quantization(name),
                "weights_gib": round(weights_gib(shape), 1),
                "attention": models.attention(shape),
                "experts": shape.experts,
                "image_encoder": shape.image_encoder,
                "context_length": shape.context_length,
                "gated": name in models.gated(),
                "modelscope": models.modelscope_id(name),
            }
        )
    narrow = ("id", "parameters_billion", "weights", "weights_gib", "context_length")
    _print("Models", found, as_json=as_json, narrow=narrow)


@app.command("gpus")
def gpus_(text: Wanted = "", as_json: Json = False) -> None:
    """Print the known GPUs.

    Example: `llmplatform catalog gpus --json`.
    """
    from llmplatform.catalog import gpus, instance_types

    machines = [
        machine
        for provider in instance_types.PROVIDERS
        for machine in (instance_types.get(provider, name) for name in instance_types.names(provider))
    ]
    found: list[dict[str, Any]] = []
    for name in _with(text, gpus.names()):
        gpu = gpus.get(name)
        families = {f"{each.provider} {each.family}" for each in machines if each.gpu is gpu and not each.unusable}
        found.append(
            {
                "name": name,
                "memory_gib": gpu.memory_gib,
                "compute_capability": ".".join(map(str, gpu.compute_capability)),
                "bf16": gpu.bf16,
                "fp8": gpu.fp8,
                "machines": ", ".join(sorted(families)),
            }
        )
    _print("GPUs", found, as_json=as_json)


@app.command("instances")
def instances_(
    text: Wanted = "",
    gpu: Annotated[str | None, typer.Option("--gpu", help="Print only machines with this GPU.")] = None,
    as_json: Json = False,
) -> None:
    """Print the known machines of both clouds.

    Example: `llmplatform catalog instances --gpu L4`.
    """
    from llmplatform.catalog import gpus, instance_types

    if gpu is not None and gpu not in gpus.names():
        typer.echo(f"--gpu {gpu}: is not known; write one of {', '.join(gpus.names())}", err=True)
        raise typer.Exit(2)
    found: list[dict[str, Any]] = []
    for provider in instance_types.PROVIDERS:
        for name in _with(text, instance_types.names(provider)):
            machine = instance_types.get(provider, name)
            if gpu is not None and (machine.gpu is None or machine.gpu.name != gpu):
                continue
            found.append(
                {
                    "name": name,
                    "provider": provider,
                    "gpus": machine.gpus,
                    "gpu": machine.gpu.name if machine.gpu else None,
                    "vcpus": machine.vcpus,
                    "memory_gib": machine.memory_mib / 1024,
                    "price_hour": machine.price_hour,
                    "currency": machine.currency,
                    "unusable": machine.unusable or None,
                }
            )
    narrow = ("name", "gpus", "gpu", "vcpus", "memory_gib", "price_hour")
    _print("Machines", found, as_json=as_json, narrow=narrow, below="unusable")


@app.command()
def add_model(
    config: Annotated[
        Path | None, typer.Argument(help="A model's config.json.", metavar="[CONFIG.JSON]", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option("--id", help="Hugging Face id. Without a file, the hub is asked.", metavar="ORG/NAME")
    ] = "",
    hub: Annotated[str, typer.Option("--hub", help="Address of the hub.")] = "https://huggingface.co",
    revision: Annotated[str, typer.Option("--revision", help="Commit, tag or branch at the hub.")] = "main",
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the model's `shape` for a stack file, and write nothing.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the row of a model that is known.")] = False,
) -> None:
    """Add a model to the catalog, from its config.json.

    Example: `llmplatform catalog add-model --id Qwen/Qwen3-8B-FP8`, or `llmplatform catalog add-model config.json --id
    my-org/my-model --print`. hf_quant_config.json and model.safetensors.index.json beside the file are read as well.
    For a gated model, `HF_TOKEN` has a token.
    """
    from llmplatform.catalog.model_config import UnknownModelError, describe
    from llmplatform.cli.hub import HubError

    _named(model)
    try:
        published = _published(config, model, hub, revision)
        described = describe(
            published.config,
            beside=published.quantization,
            stored_bytes=published.stored_bytes,
            parameters=published.parameters,
        )
    except (HubError, UnknownModelError) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    if only_print:
        typer.echo(_setting(described), nl=False)
        return
    _write(model, described, published, replace=replace)


def _published(config: Path | None, model: str, hub: str, revision: str) -> "Published":
    from llmplatform.cli.hub import read_files, read_hub

    if config is not None:
        return read_files(config)
    return read_hub(model, hub, revision=revision, token=os.environ.get("HF_TOKEN"))


def _named(model: str) -> None:
    import re

    from llmplatform.specs import grammar

    if not re.fullmatch(grammar.HUGGINGFACE_ID, model):
        fault = f"'{model}' is not a Hugging Face id" if model else "is missing"
        typer.echo(f"--id: {fault}; write one like Qwen/Qwen3-8B", err=True)
        raise typer.Exit(2)


def _write(model: str, described: "Described", published: "Published", *, replace: bool) -> None:
    from llmplatform.catalog import model_rows

    cells = {**model_rows.row(described.shape), "quantization": described.quantization or ""}
    if published.gated is not None:
        cells["gated"] = "yes" if published.gated else ""
    known = model_rows.known(model)
    changed = ", ".join(
        f"{column} {known[column] or 'empty'} → {cell or 'empty'}"
        for column, cell in cells.items()
        if known and known[column] != cell
    )
    if changed and not replace:
        typer.echo(f"{model}: is known, and would change: {changed}; write --replace if that is meant", err=True)
        raise typer.Exit(2)
    model_rows.write(model, cells)
    done = f"changed ({changed})" if changed else "unchanged" if known else "added"
    typer.echo(f"{model} is {done} in {model_rows.MODELS}")
    typer.echo(_setting(described), nl=False)


def _setting(described: "Described") -> str:
    """The shape as a stack file has it, without what is the default."""
    from dataclasses import fields

    import yaml

    values = {
        each.name: getattr(described.shape, each.name)
        for each in fields(described.shape)
        if getattr(described.shape, each.name) != each.default
    }
    return yaml.safe_dump({"shape": values}, sort_keys=False)


def _with(text: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if text.lower() in name.lower()]


NARROW = 120
"""Columns of a terminal below which a table has only those that matter most."""


def _print(
    title: str, found: Sequence[Mapping[str, Any]], *, as_json: bool, narrow: Sequence[str] = (), below: str = ""
) -> None:
    """Print rows. `narrow`: what a narrow terminal shows of them; `below`: a remark, printed once below the table."""
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found:
        typer.echo("none has that name", err=True)
        raise typer.Exit(1)
    from rich.table import Column, Table

    from llmplatform.cli.machine import console_for

    console = console_for()
    names = [name for name in (narrow if narrow and console.width < NARROW else found[0]) if name != below]
    # The first tells rows apart.
    heads = (Column(name.replace("_", " "), overflow="fold", no_wrap=name == names[0]) for name in names)
    table = Table(*heads, title=title, title_justify="left")
    for each in found:
        table.add_row(*(_cell(each[name]) for name in names))
    console.print(table)
    if len(names) < len([*found[0]]) - bool(below):
        console.print("--json prints all columns")
    first = next(iter(found[0]))
    for remark in dict.fromkeys(each[below] for each in found if below and each[below]):
        named = ", ".join(str(each[first]) for each in found if each[below] == remark)
        console.print(f"{below}: {remark}: {named}")


def _cell(value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    return f"{value:g}" if isinstance(value, float) else str(value)
