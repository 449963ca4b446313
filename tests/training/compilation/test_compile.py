"""`leapfrog-train compile` with a double of edgetpu_compiler, which exists for one kind of machine only."""

import os
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leapfrog.reading.package import load_package
from leapfrog_training.cli import app
from leapfrog_training.compilation.compiler import Compiler
from leapfrog_training.compilation.log import read_log
from leapfrog_training.edge_tpu_fit.graph import read_graph
from leapfrog_training.errors import CompilerError, NotForEdgeTpu
from support import tiny_models

DOUBLE = Path(__file__).parents[2] / "support" / "edgetpu_compiler"


class CompilerDouble:
    """The double on the PATH, and what it was called with."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._calls = folder / "calls"
        programs = folder / "bin"
        programs.mkdir()
        wrapper = programs / "edgetpu_compiler"
        wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{DOUBLE}" "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setenv("EDGETPU_DOUBLE_CALLS", str(self._calls))

    def does(self, mode: str) -> None:
        self._monkeypatch.setenv("EDGETPU_DOUBLE", mode)

    @property
    def calls(self) -> list[list[str]]:
        return [line.split() for line in self._calls.read_text().splitlines()]


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompilerDouble:
    return CompilerDouble(tmp_path, monkeypatch)


@pytest.fixture
def chest(tmp_path: Path) -> Path:
    return tiny_models.write_classifier(tmp_path)


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tiny_models.write_segmenter(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compile", *arguments])


def refusal(*arguments: str) -> Exception:
    problem = run(*arguments).exception
    assert problem is not None
    return problem  # type: ignore[return-value]


def test_a_compiled_model_and_what_was_said_of_it_are_put_into_the_package(double: CompilerDouble, chest: Path) -> None:
    (chest / "model.toml.sig").write_bytes(b"a signature of what the package was")
    assert run(str(chest)).exit_code == 0
    package = load_package(chest)
    told = package.manifest.edge_tpu
    assert told is not None
    assert (told.operations, told.operations_on_cpu, told.compiler_version) == (66, 0, "16.0.384591198")
    assert (told.on_chip_bytes, told.streamed_bytes) == (round(2.62 * 2**20), 0)
    assert read_graph((chest / "model_edgetpu.tflite").read_bytes()).is_compiled
    assert "model_edgetpu.tflite" in tomllib.loads((chest / "model.toml").read_text())["files"]
    assert not (chest / "model.toml.sig").exists()


def test_packages_given_together_are_compiled_in_one_call_and_name_each_other(
    double: CompilerDouble, chest: Path, head: Path
) -> None:
    assert run(str(chest), str(head)).exit_code == 0
    assert [[one for one in call if one.endswith(".tflite")] for call in double.calls] == [
        ["tiny-chest.tflite", "tiny-head.tflite"]
    ]
    shared = [load_package(folder).manifest.edge_tpu for folder in (chest, head)]
    assert [told.compiled_with for told in shared if told] == [("tiny-head",), ("tiny-chest",)]


def test_a_model_that_is_mapped_in_part_is_refused_unless_that_is_allowed(double: CompilerDouble, chest: Path) -> None:
    double.does("partial")
    problem = refusal(str(chest))
    assert isinstance(problem, NotForEdgeTpu)
    assert "3 of 66 operations would run on the CPU (RESIZE_BILINEAR: Operation version not supported)" in str(problem)
    assert not (chest / "model_edgetpu.tflite").exists()
    assert run(str(chest), "--allow-cpu-ops").exit_code == 0
    told = load_package(chest).manifest.edge_tpu
    assert told is not None and (told.operations, told.operations_on_cpu) == (63, 3)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("refused", "refused the model: .*static-sized tensors"),
        ("timed-out", "exceeded its time limit"),
        ("older-runtime", "Requested minimum runtime version 10"),
        ("crash", r"crashed \(signal 11\)"),
        ("silent", "left no tiny-chest_edgetpu.tflite"),
        ("unknown", "not the output of edgetpu_compiler"),
        ("other-shapes", "other inputs or outputs"),
    ],
)
def test_what_goes_wrong_is_told_and_the_package_stays_as_it_was(
    double: CompilerDouble, chest: Path, mode: str, expected: str
) -> None:
    double.does(mode)
    before = {path.name: path.read_bytes() for path in chest.iterdir()}
    problem = refusal(str(chest))
    assert isinstance(problem, CompilerError)
    with pytest.raises(CompilerError, match=expected):
        raise problem
    assert {path.name: path.read_bytes() for path in chest.iterdir()} == before


def test_a_compiler_that_never_ends_is_stopped(
    double: CompilerDouble, chest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog_training.compilation.compiler.GRACE_SECONDS", 1.0)
    double.does("hang")
    assert "was stopped after 2 seconds" in str(refusal(str(chest), "--timeout", "1"))


def test_a_missing_compiler_says_where_to_get_it(tmp_path: Path, chest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    problem = str(refusal(str(chest)))
    assert "is not installed" in problem and "--shell 'ssh HOST'" in problem


def test_the_compiler_of_another_machine_is_reached_through_the_shell_that_is_named(
    double: CompilerDouble, chest: Path, tmp_path: Path
) -> None:
    # Like ssh: another working folder, the script as its last argument, nothing shared but the two streams.
    remote = tmp_path / "ssh"
    remote.write_text('#!/bin/sh\n[ "$1" = clinic-server ] || exit 255\nshift\ncd / && exec sh -c "$*"\n')
    remote.chmod(0o755)
    assert run(str(chest), "--shell", f"{remote} clinic-server").exit_code == 0
    assert load_package(chest).manifest.edge_tpu is not None
    assert "status 255" in str(refusal(str(chest), "--shell", f"{remote} elsewhere"))
    assert "no program 'no-such-shell'" in str(refusal(str(chest), "--shell", "no-such-shell"))


def test_limits_are_passed_to_the_compiler(double: CompilerDouble, chest: Path) -> None:
    assert run(str(chest), "--timeout", "77", "--runtime-version", "13").exit_code == 0
    assert double.calls[0][:5] == ["-s", "-t", "77", "-m", "13"]


def test_one_package_given_twice_is_refused(double: CompilerDouble, chest: Path) -> None:
    assert "given twice" in str(refusal(str(chest), str(chest)))


def test_sizes_are_read_in_every_unit() -> None:
    text = (
        "Edge TPU Compiler version 16.0\nInput model: a.tflite\nOutput model: a_edgetpu.tflite\n"
        "On-chip memory used for caching model parameters: 512.00KiB\n"
        "On-chip memory remaining for caching model parameters: 0.00B\n"
        "Off-chip memory used for streaming uncached model parameters: 1.50MiB\n"
        "Number of Edge TPU subgraphs: 1\nTotal number of operations: 7\n"
    )
    (model,) = read_log(text).models
    assert (model.on_chip_bytes, model.streamed_bytes) == (512 * 1024, 1_572_864)


def test_a_log_that_lacks_a_line_is_told() -> None:
    with pytest.raises(CompilerError, match="unknown form"):
        read_log("Edge TPU Compiler version 17.0\nInput model: a.tflite\n")


def test_a_shell_that_prints_something_else_is_told() -> None:
    with pytest.raises(CompilerError, match="no tar archive"):
        Compiler(shell="echo welcome").compile({"a": tiny_models.segmenter_content()})
