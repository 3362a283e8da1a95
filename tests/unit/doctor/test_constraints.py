"""Which minors a chart's constraint admits. Facts: Masterminds/semver's documentation."""

import pytest

from llmplatform.doctor.here.constraints import admits


@pytest.mark.parametrize(
    ("constraint", "minor", "admitted"),
    [
        ("", "1.35", True),
        (">=1.25.0-0", "1.35", True),
        (">= 1.36.0-0", "1.35", False),
        (">=1.19-0", "1.35", True),
        ("^1.21.0", "1.35", True),
        ("^2.0.0", "1.35", False),
        (">=1.30.0 <1.35.0", "1.35", False),
        (">=1.30.0, <1.36.0", "1.35", True),
        ("< 1.35.7", "1.35", True),
        ("~1.35", "1.35", True),
        ("~1.34.2", "1.35", False),
        ("1.x", "1.35", True),
        (">1.35", "1.35", True),
        ("<=1.35", "1.35", True),
        ("<=1.34", "1.35", False),
        ("<1.20 || >=1.33", "1.35", True),
        ("!=1.35.2", "1.35", True),
        ("whatever", "1.35", True),
    ],
)
def test_a_constraint_admits_the_minors_that_helm_admits(constraint: str, minor: str, admitted: bool) -> None:
    assert admits(constraint, minor) == admitted
