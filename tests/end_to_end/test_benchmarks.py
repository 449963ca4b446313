"""The benchmarks run: nothing else here would notice that they name a process or a file which has moved."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.__main__ import main
from benchmarks.parts import PARTS, Part, Run
from benchmarks.receivers import BareReceiver
from benchmarks.results import at_most
from support.dcmtk import store
from support.exams import ultrasound, write_instances

TESTS = Path(__file__).parent.parent
GROUPS = {
    "bare": {"The bare disk", "The bare parts of a report, in one process"},
    "beside": {
        "A film's report while a large exam closes, beside that of a film alone",
        "A film's report while an exam of 12 images closes",
    },
    "cine": {"From the C-STORE response to report.json, a long loop of a fetal head"},
    "footprint": {"Memory", "Start"},
    "growth": {"Growth"},
    "latency": {"From the C-STORE response to report.json", "The bare parts of a report, in one process"},
    "rest": {"At rest"},
    "slow-disk": {"Durable ingest where each sync takes 10 ms"},
    "throughput": {"Through the whole box, from the first byte to the last report"},
}


@pytest.mark.parametrize("part", GROUPS)
def test_runs(part: str, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    # In its own directory: below tmp_path a socket's name would be too long.
    options = ["--only", part, "--dose", "0.01", "--rounds", "1", "--json", str(numbers)]

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    # 1: an aim was missed, which a busy machine may do. A benchmark that broke wrote no numbers.
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    assert numbers.is_file(), ended.stdout + ended.stderr
    measured = json.loads(numbers.read_text())["measurements"]
    assert {one["group"] for one in measured} == GROUPS[part]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that breaks and leaves something behind, one that cannot be done here, and one that measures."""

    def breaks(run: Run) -> None:
        (run.directory / "box").mkdir()
        raise ValueError("the box ended:\nits log\nno such device")

    def cannot(run: Run) -> None:
        run.results.omit("A small box", "needs root")
        pytest.skip("DCMTK's storescu is not installed")

    def measures(run: Run) -> None:
        (run.directory / "box").mkdir()
        run.results.add_median("Start", "listening", [0.5], "s", at_most(1.0))

    def is_ended(_run: Run) -> None:
        sys.exit(130)  # as Ctrl-C does

    for name, measure in (("breaks", breaks), ("cannot", cannot), ("measures", measures), ("is ended", is_ended)):
        monkeypatch.setitem(PARTS, name, Part(name, name, repeated=False))
        monkeypatch.setitem(sys.modules, f"benchmarks.{name}", SimpleNamespace(measure=measure))


def run_parts(names: Sequence[str], directory: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """As the command does, which wants its signals to itself."""
    only = [argument for name in names for argument in ("--only", name)]
    options = ["--directory", str(directory), "--json", str(directory / "numbers.json")]
    monkeypatch.setattr("sys.argv", ["run", *only, *options])
    monkeypatch.setattr("benchmarks.__main__.ENDING", ())
    return main()


@pytest.mark.usefixtures("parts")
def test_a_part_that_breaks_is_named_at_the_end_and_the_others_have_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run_parts(["breaks", "measures"], tmp_path, monkeypatch)

    said = capsys.readouterr().out
    assert "BROKE: breaks (ValueError: no such device).\n1 numbers, 1 of them with an aim. Missed: none.\n" in said
    assert status == 2
    written = json.loads((tmp_path / "numbers.json").read_text())
    assert [one["name"] for one in written["measurements"]] == ["listening"]
    assert written["not_measured"] == [{"what": "breaks", "why": "ValueError: no such device", "broke": True}]
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.json"]


@pytest.mark.usefixtures("parts")
def test_who_ends_it_has_the_numbers_of_the_parts_that_were_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_parts(["measures", "is ended", "breaks"], tmp_path, monkeypatch)

    said = capsys.readouterr().out
    assert "listening" in said
    assert "BROKE: is ended (ended before its end, like all that comes after it)." in said
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.json"]


@pytest.mark.usefixtures("parts")
def test_what_this_machine_cannot_do_is_said_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_parts(["cannot", "measures"], tmp_path, monkeypatch) == 0
    said = capsys.readouterr().out
    assert "Not measured: A small box (needs root)." in said
    assert "Not measured: cannot (DCMTK's storescu is not installed)." in said


def test_the_receiver_that_only_stores_has_every_byte_of_what_it_acknowledges(tmp_path: Path) -> None:
    images = write_instances(ultrasound(64, 48), tmp_path / "images", 3)

    with BareReceiver(tmp_path / "server") as receiver:
        outcome = store(receiver.port, [image.path for image in images])

    assert outcome.statuses == ["Success"] * 3, outcome.text
    stored = {file.read_bytes() for file in (tmp_path / "server" / "stored").iterdir()}
    assert len(stored) == 3
    sent = [image.path.read_bytes() for image in images]
    assert all(any(content.endswith(data_set) for content in sent) for data_set in stored)
