"""The GPUs of the cluster as DCGM's exporter tells of them: how busy they are, and what is wrong with them."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from dashboards.parts import Column, Query, board, lines, number, rows, section, variable

THESE = 'Hostname=~"$node"'
EACH = "{{Hostname}} {{gpu}}"


def _of(metric: str, *, percent: bool = False) -> str:
    """A metric of each GPU. `percent`: it counts to 100."""
    found = f"max by (Hostname, gpu) ({metric}{{{THESE}}})"
    return f"{found} / 100" if percent else found


def _each(
    title: str, unit: str, says: str, expr: str, *, span: int = 12, most: float | None = None
) -> timeseries.Panel:
    return lines(title, unit, says, Query(expr=expr, legend=EACH), span=span, most=most)


MEMORY = f"{_of('DCGM_FI_DEV_FB_USED')} / ({_of('DCGM_FI_DEV_FB_USED')} + {_of('DCGM_FI_DEV_FB_FREE')})"


def build() -> Dashboard:
    """The dashboard."""
    made = board(
        "gpus",
        "LLM platform / GPUs",
        "Every GPU: use, memory, power, temperature and errors.",
        [variable("node", "Node", "label_values(DCGM_FI_DEV_GPU_TEMP, Hostname)")],
    )
    made = section(
        made,
        "Now",
        number("GPUs", units.Short, "GPUs that the exporter tells of.", f"count({_of('DCGM_FI_DEV_GPU_TEMP')})"),
        number(
            "Busy",
            units.PercentUnit,
            "Part of the time in which a GPU computed anything, the mean of all.",
            f"avg({_of('DCGM_FI_DEV_GPU_UTIL', percent=True)})",
        ),
        number(
            "Tensor cores",
            units.PercentUnit,
            "Part of the cycles in which tensor cores computed, the mean of all.",
            f"avg({_of('DCGM_FI_PROF_PIPE_TENSOR_ACTIVE')})",
        ),
        number("Memory", units.PercentUnit, "Memory in use, the mean of all.", f"avg({MEMORY})"),
        number("Power", units.Watt, "Power of all.", f"sum({_of('DCGM_FI_DEV_POWER_USAGE')})"),
        number(
            "GPUs with errors",
            units.Short,
            "GPUs that reported an Xid within the last minutes. Some are faults of applications.",
            f"count({_of('DCGM_EXP_XID_ERRORS_COUNT')} > 0) or vector(0)",
            bad_from=1,
        ),
    )
    made = section(
        made,
        "Use",
        _each(
            "Busy",
            units.PercentUnit,
            "Part of the time in which the GPU computed anything.",
            _of("DCGM_FI_DEV_GPU_UTIL", percent=True),
            most=1,
        ),
        _each("Memory in use", units.PercentUnit, "Part of the GPU's memory in use.", MEMORY, most=1),
        _each(
            "Tensor cores",
            units.PercentUnit,
            "Part of the cycles in which tensor cores computed: of what the GPU can do, what is done.",
            _of("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"),
            span=8,
            most=1,
        ),
        _each(
            "Graphics engine",
            units.PercentUnit,
            "Part of the time in which the graphics engine was active.",
            _of("DCGM_FI_PROF_GR_ENGINE_ACTIVE"),
            span=8,
            most=1,
        ),
        _each(
            "Memory interface",
            units.PercentUnit,
            "Part of the cycles in which memory was read or written: at its end tokens cannot come faster.",
            _of("DCGM_FI_PROF_DRAM_ACTIVE"),
            span=8,
            most=1,
        ),
        lines(
            "Busy, by model",
            units.PercentUnit,
            "Part of the time in which a model's GPUs computed anything, their mean.",
            Query(
                expr="avg by (namespace, model) ((DCGM_FI_DEV_GPU_UTIL{"
                + THESE
                + "} / 100) * on (namespace, pod) group_left (model) model:pod:info)",
                legend="{{namespace}}/{{model}}",
            ),
            most=1,
        ),
        rows(
            "Idle GPUs in use",
            "GPUs that a pod has, and that computed less than 5 % of the last hour.",
            ("namespace", "pod", "Hostname", "gpu"),
            Column(
                title="Busy",
                expr="max by (namespace, pod, Hostname, gpu) (avg_over_time(DCGM_FI_DEV_GPU_UTIL{"
                + THESE
                + ', pod!=""}[1h])) / 100 < 0.05',
                unit=units.PercentUnit,
            ),
            span=12,
        ),
    )
    made = section(
        made,
        "Power and traffic",
        _each("Temperature", units.Celsius, "Temperature of the GPU.", _of("DCGM_FI_DEV_GPU_TEMP"), span=8),
        _each(
            "Temperature of memory", units.Celsius, "Temperature of the memory.", _of("DCGM_FI_DEV_MEMORY_TEMP"), span=8
        ),
        _each("Power", units.Watt, "Power draw.", _of("DCGM_FI_DEV_POWER_USAGE"), span=8),
        _each(
            "Clock", units.Hertz, "Frequency of the multiprocessors.", f"{_of('DCGM_FI_DEV_SM_CLOCK')} * 1e6", span=8
        ),
        lines(
            "PCIe",
            units.BytesPerSecondIEC,
            "Data over PCIe.",
            Query(expr=_of("DCGM_FI_PROF_PCIE_TX_BYTES"), legend=f"{EACH} sent"),
            Query(expr=_of("DCGM_FI_PROF_PCIE_RX_BYTES"), legend=f"{EACH} received"),
            span=8,
        ),
        _each(
            "Slowed down for heat",
            units.Short,
            "Whether the counter of time slowed down for heat grows, per second. Its unit differs between releases.",
            f"max by (Hostname, gpu) (rate(DCGM_FI_DEV_THERMAL_VIOLATION{{{THESE}}}[$__rate_interval]))",
            span=8,
        ),
    )
    return section(
        made,
        "Faults",
        lines(
            "Xid",
            units.Short,
            "Errors that the driver reported within the last minutes, by number. See the runbook of GPUs.",
            Query(
                expr=f"max by (Hostname, gpu, xid) (DCGM_EXP_XID_ERRORS_COUNT{{{THESE}}})",
                legend=f"{EACH}: Xid {{{{xid}}}}",
            ),
        ),
        lines(
            "Errors of memory",
            units.Short,
            "Bits that were lost since the driver was loaded. Single ones were mended.",
            Query(expr=_of("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL"), legend=f"{EACH}, mended"),
            Query(expr=_of("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"), legend=f"{EACH}, lost"),
        ),
        lines(
            "Rows of memory that were replaced",
            units.Short,
            "Rows with errors. If a row cannot be replaced, the GPU has to be.",
            Query(expr=_of("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"), legend=f"{EACH}, mended"),
            Query(expr=_of("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"), legend=f"{EACH}, lost"),
            Query(expr=_of("DCGM_FI_DEV_ROW_REMAP_FAILURE"), legend=f"{EACH}, not replaced"),
        ),
        _each(
            "PCIe retries",
            units.CountsPerSecond,
            "Retries on PCIe, in a second.",
            f"max by (Hostname, gpu) (rate(DCGM_FI_DEV_PCIE_REPLAY_COUNTER{{{THESE}}}[$__rate_interval]))",
        ),
    )
