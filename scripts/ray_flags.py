"""Write down what Ray Serve's `engine_kwargs` accept and which metrics it exposes, from the wheels of Ray and vLLM.

    pip download --no-deps --dest wheels ray==2.60.0 vllm==0.29.0
    python scripts/ray_flags.py wheels/ray-2.60.0-*.whl wheels/vllm-0.29.0-*.whl

The vLLM is the one that the wheel of Ray pins. Its command line has more flags than its classes have fields, and Ray
takes the fields alone (ray/llm/_internal/serve/engines/vllm/vllm_models.py, `from_llm_config`).
"""

import ast
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import engine_flags
from flag_lists import require, write

FIELDS = {"EngineArgs", "AsyncEngineArgs", "BaseFrontendArgs", "FrontendArgs"}
"""Classes whose fields Ray takes."""
SERVE = "ray/serve/_private/"
"""Folder of the modules that make Ray Serve's own metrics."""
COUNTERS = {"Counter"}
PREFIX = "ray_"
"""Of every metric that Ray's agent exposes (ray/_private/telemetry/open_telemetry_metric_recorder.py, NAMESPACE)."""
FEWEST_FIELDS, FEWEST_METRICS = 100, 20


def fields(tree: ast.Module) -> Iterator[str]:
    """Fields of the classes, as flags."""
    for cls in ast.walk(tree):
        if isinstance(cls, ast.ClassDef) and cls.name in FIELDS:
            for line in cls.body:
                name = line.target.id if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) else "_"
                if not name.startswith("_"):
                    yield f"--{name.replace('_', '-')}"


def own_metrics(tree: ast.Module) -> Iterator[str]:
    """Metrics that a module of Ray Serve makes, as Prometheus reads them."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
            # Of those that are made for each protocol, the name for HTTP.
            name = ast.unparse(call.args[0]).removeprefix("f").strip("'\"").replace("{protocol_name}", "http")
            if call.func.attr in {"Gauge", "Histogram", *COUNTERS} and re.fullmatch(r"serve_\w+", name):
                total = "_total" if call.func.attr in COUNTERS else ""
                yield f"{PREFIX}{name.removesuffix(total)}{total}"


def main(ray: Path, vllm: Path) -> None:
    """Write the list of one release of Ray, with the vLLM that it pins."""
    _, version, *_ = ray.name.split("-")
    engine, lines = engine_flags.read(vllm)
    with zipfile.ZipFile(ray) as archive:
        metadata = archive.read(f"ray-{version}.dist-info/METADATA").decode()
        if not re.search(rf"^Requires-Dist: vllm\[.*\]=={re.escape(engine)}; extra == .llm.$", metadata, re.MULTILINE):
            raise SystemExit(f"{ray.name} does not pin vLLM {engine}")
        modules = [archive.read(path) for path in archive.namelist() if path.startswith(SERVE) and path.endswith(".py")]
        serve = {name for module in modules for name in own_metrics(ast.parse(module))}
    require([*serve], FEWEST_METRICS, "metrics", ray.name)
    with zipfile.ZipFile(vllm) as archive:
        files = archive.namelist()
        frontend = next(path for path in engine_flags.FRONTEND_ARGUMENTS if path in files)
        paths = (engine_flags.ENGINE_ARGUMENTS, frontend)
        taken = {flag for path in paths for flag in fields(ast.parse(archive.read(path)))}
    require([*taken], FEWEST_FIELDS, "fields", vllm.name)
    kinds = {line.partition(" ")[0]: line for line in lines if line.startswith("--")}
    named = [line for line in lines if not line.startswith(("--", "metric "))]
    # vllm/v1/metrics/ray_wrappers.py, `_get_sanitized_opentelemetry_name`. Its counter of HTTP answers is not there.
    of_vllm = {
        PREFIX + re.sub(r"\W", "_", line.removeprefix("metric ")) for line in lines if line.startswith("metric vllm:")
    }
    exposed = [f"metric {name}" for name in sorted(serve | of_vllm)]
    made = f"scripts/ray_flags.py from the wheels of Ray and of vLLM {engine}, which it pins, on PyPI"
    write("ray_serve", version, made, [*(kinds.get(flag, flag) for flag in sorted(taken)), *named, *exposed])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
