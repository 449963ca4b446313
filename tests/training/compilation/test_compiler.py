"""Reaching edgetpu_compiler wherever it is, and what goes wrong on the way."""

import time
from contextlib import suppress
from pathlib import Path

import pytest

from leapfrog.errors import UsageError
from leapfrog_training.compilation.compiler import Compiled, Compiler
from leapfrog_training.errors import CompilerError
from support import tiny_models

from .conftest import CompilerDouble

CHEST = tiny_models.classifier_content()
HEAD = tiny_models.segmenter_content()


def compiled_by(compiler: Compiler) -> dict[str, Compiled]:
    return compiler.compile({"chest": CHEST, "head": HEAD})


def test_all_models_are_compiled_in_one_call_in_a_folder_of_its_own(double: CompilerDouble) -> None:
    compiled = compiled_by(Compiler())
    assert double.calls == [["-s", "-t", "180", "chest.tflite", "head.tflite"]]
    assert not double.folders[0].exists()
    assert [one.report.input_model for one in compiled.values()] == ["chest.tflite", "head.tflite"]
    assert compiled["chest"].content != compiled["head"].content


def test_time_limit_and_runtime_are_passed_on(double: CompilerDouble) -> None:
    compiled_by(Compiler(timeout_seconds=77, min_runtime_version=13))
    assert double.calls[0][:5] == ["-s", "-t", "77", "-m", "13"]


@pytest.mark.parametrize("shell", ["ssh workshop", "docker run --rm -i coral sh -c"])
def test_the_compiler_of_another_place_needs_no_files_there(
    double: CompilerDouble, elsewhere: Path, shell: str
) -> None:
    assert set(compiled_by(Compiler(shell))) == {"chest", "head"}
    assert double.folders[0].is_relative_to(elsewhere / "tmp")
    assert list((elsewhere / "tmp").iterdir()) == []


def test_a_missing_compiler_says_how_to_get_one(elsewhere: Path) -> None:
    with pytest.raises(
        CompilerError, match=r"not installed here\..*Debian package edgetpu-compiler.*--shell 'ssh HOST'"
    ):
        compiled_by(Compiler())


def test_a_place_without_the_compiler_is_named(double: CompilerDouble, elsewhere: Path) -> None:
    (double.programs / "edgetpu_compiler").unlink()
    with pytest.raises(CompilerError, match="not installed in the shell 'ssh workshop'"):
        compiled_by(Compiler("ssh workshop"))


def test_a_compiler_for_another_processor_says_what_it_needs(double: CompilerDouble) -> None:
    (double.programs / "edgetpu_compiler").write_text("#!/bin/sh\necho Exec format error >&2\nexit 126\n")
    with pytest.raises(CompilerError, match=r"cannot run here: Exec format error\. It exists for x86-64"):
        compiled_by(Compiler())


def test_a_compiler_that_never_ends_is_stopped_where_it_runs(double: CompilerDouble) -> None:
    double.does("hangs")
    with pytest.raises(CompilerError, match=r"was stopped after 2 seconds.*--timeout"):
        compiled_by(Compiler(timeout_seconds=1, overrun_seconds=1))
    assert not double.folders[0].exists()


def test_a_place_that_never_answers_is_given_up_and_nothing_goes_on_there(double: CompilerDouble) -> None:
    double.does("hangs")
    with pytest.raises(CompilerError, match="'sh -c' gave no answer within 2 seconds"):
        compiled_by(Compiler(timeout_seconds=1, overrun_seconds=600, travel_seconds=-599.0))
    _wait_until_gone(double.folders[0])


def _wait_until_gone(folder: Path) -> None:
    """Until nothing works in `folder` and it is removed."""
    deadline = time.monotonic() + 10
    while (folder.exists() or _works_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    assert not _works_in(folder)


def _works_in(folder: Path) -> bool:
    links = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            links.append(str((process / "cwd").readlink()))
    return any(link.startswith(str(folder)) for link in links)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("refused", r"refused the model: ERROR: Node number 3 \(CONV_2D\) failed to prepare"),
        ("refused-silently", "refused the model: it gave no reason"),
        ("not-quantized", r"refused the model: Invalid model: chest\.tflite\. Model not quantized"),
        ("timed-out", "ran out of time: Compilation timeout"),
        ("crash", r"crashed \(signal 11\)"),
        ("other-program", "not the output of edgetpu_compiler: edgetpu: usage"),
        ("other-form", "unknown format: there is no line 'Off-chip"),
        ("other-counts", "unknown format: 0 of 7 operations are on the CPU, but 6 of 6 are mapped in its table"),
        ("no-output", "wrote no chest_edgetpu.tflite"),
        ("one-only", "printed 0 reports about head.tflite"),
        ("status-1", "ended with status 1"),
    ],
)
def test_what_the_compiler_does_wrong_is_reported(double: CompilerDouble, mode: str, expected: str) -> None:
    double.does(mode)
    with pytest.raises(CompilerError, match=expected):
        compiled_by(Compiler())


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("ssh nowhere", "'ssh nowhere' ended with status 255: ssh: no such host nowhere"),
        ("no-such-shell", "no-such-shell cannot be started"),
        ("echo welcome", r"not a tar archive .*: the shell itself must not print anything"),
        ("true", "not a tar archive"),
    ],
)
def test_a_shell_that_does_not_work_is_reported(elsewhere: Path, shell: str, expected: str) -> None:
    with pytest.raises(CompilerError, match=expected):
        compiled_by(Compiler(shell))


@pytest.mark.parametrize("shell", ["", "ssh 'workshop"])
def test_a_shell_that_is_no_command_is_wrong_use(shell: str) -> None:
    with pytest.raises(UsageError, match="--shell"):
        compiled_by(Compiler(shell))
