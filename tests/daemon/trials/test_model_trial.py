"""A package that takes its trial over by the check in front reaches nothing; whether a trial judges rightly, the tests
of `leapfrog models install` show.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leapfrog.packages.package import SHIPPED_PACKAGES
from leapfrog.processes.confinement import landlock_abi
from support.attacks import FORBIDDEN
from support.targets import targets

TESTS = str(Path(__file__).parents[2])


def came_of(package: Path, environment: dict[str, str]) -> dict[str, str]:
    """What came of each attack that a trial of `package` tried."""
    path = os.pathsep.join((TESTS, os.environ.get("PYTHONPATH", "")))
    options = ["--package", str(package), "--python", sys.executable, "--threads", "1", "--parent", str(os.getpid())]
    done = subprocess.run(
        [sys.executable, "-m", "support.taken_over_trial", *options],
        env={**os.environ, **environment, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


@pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")
def test_a_trial_that_is_taken_over_reaches_nothing(tmp_path: Path) -> None:
    with targets(tmp_path / "state") as environment:
        errors = came_of(SHIPPED_PACKAGES / "fetal-head", environment)
    assert set(errors) == set(FORBIDDEN)
    assert set(errors.values()) <= {"EPERM", "EACCES"}, errors
