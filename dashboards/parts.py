"""The parts of our dashboards: variables, panels and their queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import bargauge, common, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TAG = "llmplatform"
"""Every dashboard's tag, by which they link to each other."""
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TOKENS_PER_SECOND = "suffix: tokens/s"
"""A unit of our own; Grafana has none for tokens."""
HEIGHT, LOW = 8, 4
"""Rows of the grid that a panel with lines has, and one with a number."""
Panel = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query, and what its series are called."""

    expr: str
    legend: str = ""
    """With labels in double braces. Empty: the one series needs no name."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table: a query with one value for each line."""

    title: str
    expr: str
    unit: str = units.Short


def board(name: str, title: str, says: str, variables: Sequence[QueryVariable]) -> Dashboard:
    """A dashboard without panels."""
    made = (
        Dashboard(title)
        .uid(f"{TAG}-{name}")
        .description(says)
        .tags([TAG])
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            DashboardLink("LLM platform")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in variables:
        made = made.with_variable(variable)
    return made


def variable(name: str, label: str, query: str, *, several: bool = True) -> QueryVariable:
    """A variable whose values come from a query. `several`: all, or any number; else it is one."""
    made = (
        QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )
    return made.all_value(".*") if several else made


def section(made: Dashboard, title: str, *panels: Panel) -> Dashboard:
    """The dashboard with a row of panels below its title."""
    made = made.with_row(Row(title))
    for panel in panels:
        made = made.with_panel(panel)
    return made


def lines(
    title: str,
    unit: str,
    says: str,
    *queries: Query,
    span: int = 12,
    stacked: bool = False,
    most: float | None = None,
) -> timeseries.Panel:
    """Series over time. `span`: columns out of 24; `most`: the end of the axis."""
    made = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(span)
        .height(HEIGHT)
        .targets([_dataquery(number, query) for number, query in enumerate(queries)])
        .line_width(1)
        .fill_opacity(30 if stacked else 8)
        .show_points(VisibilityMode.NEVER)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
    )
    if stacked:
        made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return made if most is None else made.max(most)


def number(title: str, unit: str, says: str, expr: str, *, span: int = 4, bad_from: float | None = None) -> stat.Panel:
    """One number: the last one, above its line. `bad_from`: it is red from here on."""
    steps = [Threshold(color="green")]
    if bad_from is not None:
        steps.append(Threshold(value=bad_from, color="red"))
    return (
        stat.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .span(span)
        .height(LOW)
        .targets([_dataquery(0, Query(expr=expr))])
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    )


def bars(title: str, unit: str, says: str, query: Query, *, span: int = 12, most: float = 1) -> bargauge.Panel:
    """The last value of each series as a bar up to `most`."""
    return (
        bargauge.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .max(most)
        .span(span)
        .height(HEIGHT)
        .orientation(VizOrientation.HORIZONTAL)
        .targets([_dataquery(0, query)])
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def rows(title: str, says: str, labels: Sequence[str], *columns: Column, span: int = 24) -> table.Panel:
    """A line for each set of `labels`, with what the columns' queries say of it."""
    made = (
        table.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .span(span)
        .height(HEIGHT)
        .targets([_dataquery(at, Query(expr=column.expr), table=True) for at, column in enumerate(columns)])
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": {label: at for at, label in enumerate(labels)},
                },
            )
        )
    )
    for at, column in enumerate(columns):
        # With one query its values are called `Value`.
        field = f"Value #{ascii_uppercase[at]}" if len(columns) > 1 else "Value"
        made = made.override_by_name(
            field, [DynamicConfigValue("displayName", column.title), DynamicConfigValue("unit", column.unit)]
        )
    return made


def _dataquery(at: int, query: Query, *, table: bool = False) -> Dataquery:
    made = (
        Dataquery()
        .ref_id(ascii_uppercase[at])
        .datasource(SOURCE)
        .expr(query.expr)
        .legend_format(query.legend or "__auto")
    )
    return made.instant().format(PromQueryFormat.TABLE) if table else made.range()


def quantiles(record: str, selector: str) -> list[Query]:
    """p50, p95 and p99 of a histogram whose buckets' rates are recorded."""
    return [
        Query(expr=f"histogram_quantile({part}, sum by (le) ({record}{{{selector}}}))", legend=legend)
        for part, legend in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    ]
