"""The tools as data.

A version is changed here, by `go mod tidy` in the tool's folder under `modules`, and in `releases.toml` where that pins
a checksum; nowhere else.

Sources: each project's own release build for the `-X` variables; pulumi's go.mod for the replaced clipboard module;
kubernetes' go.mod for the staging modules, which the published module refers to by relative paths.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "modules"


def numbers(version: str) -> tuple[int, int, int]:
    """Major, minor and patch of the first version in a text; a part that is not named is 0.

    Raises `ValueError` where there is none.
    """
    found = re.search(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    if not found:
        raise ValueError(f"no version: {version!r}")
    major, minor, patch = (int(part or 0) for part in found.groups())
    return major, minor, patch


@dataclass(frozen=True, kw_only=True)
class Recent:
    """Which version of a tool is taken from PATH."""

    arguments: tuple[str, ...]
    """What makes a binary print its version."""
    minimum: tuple[int, int, int]
    same: int = 1
    """How many numbers of the version have to equal those of `minimum`."""

    def takes(self, version: tuple[int, int, int]) -> bool:
        """Whether a version is recent enough, and not of another kind."""
        return version >= self.minimum and version[: self.same] == self.minimum[: self.same]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One Go module of ours and the binaries that come from it."""

    name: str
    version: str
    """Upstream's tag."""
    binaries: dict[str, str]
    """Name of the binary → Go package. `.` is a program in the module's own folder: it finds its name in
    `os.Args[0]`, and is linked once for all binaries that have this package."""
    variables: tuple[str, ...] = ()
    """Linker assignments, `package.variable=value`."""
    added: tuple[tuple[str, str], ...] = ()
    """Files that a build embeds and a published module lacks: `MODULE@VERSION/PATH`, and their text."""
    modules: Path = MODULES
    """Where the module's folder is; it is called like the tool."""
    recent: Recent | None = None
    """What is taken from PATH; None: nothing, and it has no release either, so it is always built."""

    @property
    def module(self) -> Path:
        """Folder with the tool's go.mod and go.sum, and sources of ours where it has any."""
        return self.modules / self.name

    @property
    def linker_flags(self) -> str:
        """Value of `-ldflags`."""
        return " ".join(["-s", "-w", *(f"-X {variable}" for variable in self.variables)])

    @property
    def folder_name(self) -> str:
        """Name of the tool's folder in the cache; changes whenever another binary would come out."""
        digest = hashlib.sha256()
        sources = [path.read_bytes() for path in sorted(self.module.iterdir())]
        added = [part.encode() for file in self.added for part in file]
        for part in (*sources, self.linker_flags.encode(), *added):
            digest.update(hashlib.sha256(part).digest())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


# renovate: datasource=go depName=github.com/pulumi/pulumi/pkg/v3
_PULUMI_VERSION = "v3.276.0"
# renovate: datasource=github-tags depName=kubernetes/kubernetes
_KUBERNETES_VERSION = "v1.35.4"
# renovate: datasource=go depName=sigs.k8s.io/kwok
_KWOK_VERSION = "v0.8.0"
# renovate: datasource=go depName=go.etcd.io/etcd/server/v3
_ETCD_VERSION = "v3.6.5"
# renovate: datasource=go depName=github.com/prometheus/prometheus
_PROMETHEUS_VERSION = "v0.314.0"
# renovate: datasource=go depName=github.com/prometheus/alertmanager
_ALERTMANAGER_VERSION = "v0.34.0"

KUBERNETES_MINOR = ".".join(_KUBERNETES_VERSION.removeprefix("v").split(".")[:2])
"""Kubernetes minor of the binaries."""

KUBERNETES_MINORS = tuple(
    f"1.{number}" for number in range(int(KUBERNETES_MINOR.split(".")[1]) - 3, int(KUBERNETES_MINOR.split(".")[1]) + 1)
)
"""Minors that the sandbox can be: a control plane emulates the three before its own (`--emulated-version`)."""

PULUMI = Tool(
    name="pulumi",
    version=_PULUMI_VERSION,
    binaries={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
    variables=(f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={_PULUMI_VERSION}",),
    # Engines up to 3.260 follow every path of the dependencies after a failed deletion, for hours; 3.274 does not.
    recent=Recent(arguments=("version",), minimum=(3, 274, 0)),
)
KUBERNETES = Tool(
    name="kubernetes",
    version=_KUBERNETES_VERSION,
    binaries={
        binary: f"k8s.io/kubernetes/cmd/{binary}"
        for binary in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    },
    variables=(
        f"k8s.io/component-base/version.gitVersion={_KUBERNETES_VERSION}",
        f"k8s.io/component-base/version.gitMajor={KUBERNETES_MINOR.split('.')[0]}",
        f"k8s.io/component-base/version.gitMinor={KUBERNETES_MINOR.split('.')[1]}",
    ),
    recent=Recent(arguments=("--version",), minimum=numbers(_KUBERNETES_VERSION), same=2),
)
KWOK = Tool(
    name="kwok",
    version=_KWOK_VERSION,
    binaries={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
    recent=Recent(arguments=("--version",), minimum=numbers(_KWOK_VERSION)),
)
ETCD = Tool(
    name="etcd",
    version=_ETCD_VERSION,
    binaries={"etcd": "go.etcd.io/etcd/server/v3"},
    recent=Recent(arguments=("--version",), minimum=numbers(_ETCD_VERSION)),
)
PROMETHEUS = Tool(
    name="prometheus",
    # Its module counts otherwise than its releases: v0.314.0 is Prometheus 3.14.0, that of the chart.
    version=_PROMETHEUS_VERSION,
    binaries={
        "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
        "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    },
    variables=("github.com/prometheus/common/version.Version=3.14.0",),
    recent=Recent(arguments=("--version",), minimum=(3, 14, 0)),
)
"""Prometheus without its pages, and promtool. The sandbox itself runs none."""
ALERTMANAGER = Tool(
    name="alertmanager",
    version=_ALERTMANAGER_VERSION,
    binaries={
        "alertmanager": "github.com/prometheus/alertmanager/cmd/alertmanager",
        "amtool": "github.com/prometheus/alertmanager/cmd/amtool",
    },
    variables=(f"github.com/prometheus/common/version.Version={_ALERTMANAGER_VERSION.removeprefix('v')}",),
    # ui/web.go embeds the folder, which upstream makes from its sources and publishes with no module.
    added=((f"github.com/prometheus/alertmanager@{_ALERTMANAGER_VERSION}/ui/app/dist/index.html", "No pages here.\n"),),
    recent=Recent(arguments=("--version",), minimum=numbers(_ALERTMANAGER_VERSION), same=2),
)
"""Alertmanager without its pages, and amtool. The sandbox itself runs none."""
REPLAY = Tool(name="replay", version=_PROMETHEUS_VERSION, binaries={"replay": "."})
"""Prometheus' engine of rules over series of the past. It has no releases: it is built in a minute."""
