"""An engine host that a model has taken over reaches nothing: each thing that is forbidden is tried from inside of one.

That it can still run models, on a processor and on an Edge TPU, the other tests of the engine host show.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.processes import command_lines
from leapfrog.processes.confinement import landlock_abi
from support.attacks import FORBIDDEN
from support.interpreters import OLDEST, interpreter
from support.taken_over_host import HOST
from support.targets import targets

pytestmark = pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")


@pytest.fixture(scope="module", params=["this", OLDEST])
def came_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What came of each attack under an interpreter."""
    folder = tmp_path_factory.mktemp("box")
    with pytest.MonkeyPatch.context() as patched, targets(folder / "state") as environment:
        for name, value in (*environment.items(), (HOST, str(command_lines.ENGINE_HOST))):
            patched.setenv(name, value)
        taken_over = Path(__file__).parents[2] / "support" / "taken_over_host.py"
        patched.setattr(command_lines, "ENGINE_HOST", taken_over)
        with StandaloneEngine([folder / "packages"], interpreter(request.param)) as engine:
            answer, _ = engine.client._request({"op": "ping"})
            yield answer["came_of"]


@pytest.mark.parametrize("attack", FORBIDDEN)
def test_an_engine_host_cannot(came_of: dict[str, str], attack: str) -> None:
    assert came_of[attack] in ("EPERM", "EACCES")
