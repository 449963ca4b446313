"""A reader that a picture has taken over reaches nothing: each thing that is forbidden is tried from inside of one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.lanes import lane as lane_module
from leapfrog.lanes.job_end import JobEnd, ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.processes.confinement import landlock_abi
from leapfrog.processes.messages import ReadJob, ReadResult
from leapfrog.settings import EngineSettings, ModelSettings
from support.attacks import OF_A_READER
from support.processes import the_child
from support.taken_over_reader import LIE
from support.targets import targets

TAKEN_OVER = "support.taken_over_reader"

pytestmark = pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")


@pytest.fixture(scope="module")
def came_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What came of each attack, and of the reader's own rights."""
    folder = tmp_path_factory.mktemp("box")
    for name in ("packages", "report", "work"):
        (folder / name).mkdir()
    (folder / "film.dcm").write_bytes(b"a film")
    with pytest.MonkeyPatch.context() as patched, targets(folder / "state") as environment:
        patched.setattr(lane_module, "READER_PROGRAM", TAKEN_OVER)
        for name, value in environment.items():
            patched.setenv(name, value)
        patched.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
        lane = Lane(
            EngineSettings(deadline_seconds=60), ModelSettings(paths=(folder / "packages",)), folder / "state", folder
        )
        try:
            came_of = json.loads(told(run(lane, folder, "1")))
            status = Path(f"/proc/{the_child(TAKEN_OVER)}/status").read_text()
            yield {**came_of, "status": status, "lie": str(run(lane, folder, LIE))}
        finally:
            lane.close()


def run(lane: Lane, folder: Path, instance_id: str) -> JobEnd:
    return lane.run(
        ReadJob(
            instance_id=instance_id,
            study_key="study",
            attempt=1,
            source_path=folder / "film.dcm",
            source_byte_count=6,
            source="test",
            received_at="2026-11-05T10:00:00+00:00",
            unknown_age="adult",
            assumed_character_set="",
            report_dir=folder / "report",
            work_dir=folder / "work",
        )
    )


def told(end: JobEnd) -> str:
    assert isinstance(end, ReadResult), end
    return end.reading.reason


@pytest.mark.parametrize("attack", OF_A_READER)
def test_a_reader_cannot(came_of: dict[str, str], attack: str) -> None:
    assert came_of[attack] in ("EPERM", "EACCES", "EXDEV", "EFBIG")


def test_it_can_never_gain_rights_again(came_of: dict[str, str]) -> None:
    facts = dict(line.split(":\t", 1) for line in came_of["status"].splitlines())
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


def test_what_it_says_it_made_is_looked_at(came_of: dict[str, str]) -> None:
    assert came_of["lie"] == str(ReaderDied("It named a file that it had not made."))
