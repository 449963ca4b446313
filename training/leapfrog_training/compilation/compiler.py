"""Calls edgetpu_compiler on this machine, in a container or on another machine.

The compiler exists for x86-64 Debian and Ubuntu only. So the user names a shell that takes a script as its last
argument and has standard input and output: `sh -c` here, `docker run --rm -i IMAGE sh -c` for a container, `ssh HOST`
for another machine. The models are sent as a tar archive and come back the same way, so nothing needs to be mounted or
copied beforehand. The compiler works in a temporary folder there.
"""

import io
import shlex
import signal
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leapfrog.errors import UsageError
from leapfrog.wording.text import count
from leapfrog_training.compilation.log import CompilerLog, ModelReport, complaint, read_log
from leapfrog_training.errors import CompilerError

HERE = "sh -c"
MODEL_SUFFIX, COMPILED_SUFFIX = ".tflite", "_edgetpu.tflite"
OUTPUT_NAME, STATUS_NAME = "compiler.out", "compiler.status"
TIMED_OUT_STATUS = 124  # of timeout(1)
NOT_RUN_STATUSES = (126, 127)  # of a shell and of timeout(1): the program is for another processor or lacks libraries
MISSING = "missing"
SIGNALLED_STATUS = 128  # plus the signal
KILL_SECONDS = 10  # between SIGTERM and SIGKILL
LARGEST_ANSWER_BYTES = 512 * 2**20
GET_IT = (
    "It exists for x86-64 Debian and Ubuntu only: install the Debian package edgetpu-compiler of Coral's apt "
    "repository (https://packages.cloud.google.com/apt coral-edgetpu-stable main), or name a place that has it with "
    "--shell 'ssh HOST' or --shell 'docker run --rm -i IMAGE sh -c'"
)

# The compiler runs in the background, so that a signal to this shell ends it at once. `timeout` ends a compiler that
# overruns its own limit, even if nobody is waiting for it any more.
SCRIPT = """
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" && tar -xf - || exit 1
if command -v edgetpu_compiler >/dev/null 2>&1; then
    timeout -k {kill_seconds} {limit_seconds} edgetpu_compiler {options} {models} >{output} 2>&1 </dev/null &
    compiler=$!
    trap 'kill "$compiler"; exit 1' HUP INT TERM
    wait "$compiler"
    echo $? >{status}
else
    : >{output}
    echo {missing} >{status}
fi
tar -cf - .
"""


@dataclass(frozen=True)
class Compiled:
    """A compiled model, and the report and version of the compiler."""

    content: bytes
    report: ModelReport
    compiler_version: str


@dataclass(frozen=True)
class Compiler:
    """Where edgetpu_compiler runs and for how long.

    `timeout_seconds` is the compiler's own limit; if it overruns that by `overrun_seconds`, it is ended. Starting the
    shell and the transfers may take `travel_seconds` more. `min_runtime_version` is the oldest Edge TPU runtime that
    must be able to run the result; without it the compiler decides.
    """

    shell: str = HERE
    timeout_seconds: int = 180
    min_runtime_version: int | None = None
    overrun_seconds: int = 15
    travel_seconds: float = 120.0

    def compile(self, models: Mapping[str, bytes]) -> dict[str, Compiled]:
        """Compile int8 models together, so that they share the chip's memory; the first one gets memory first.

        Names have neither folder nor suffix. Raises CompilerError if the compiler is missing, refuses, runs out of time
        or gives an unexpected answer; UsageError if the shell is not a command.
        """
        answer = self._answer(models)
        status = answer.get(STATUS_NAME, b"").decode(errors="replace").strip()
        text = answer.get(OUTPUT_NAME, b"").decode(errors="replace")
        self._check_that_it_ran(status, text)
        log = read_log(text)
        if status != "0":
            raise CompilerError(f"edgetpu_compiler ended with status {status}. It said: {complaint(text)}")
        return {name: _compiled(name, answer, log) for name in models}

    def _check_that_it_ran(self, reply: str, text: str) -> None:
        where = "here" if self.shell == HERE else f"in the shell {self.shell!r}"
        if reply == MISSING:
            raise CompilerError(f"edgetpu_compiler is not installed {where}. {GET_IT}")
        if not reply.isdigit():
            raise CompilerError(f"the shell {self.shell!r} gave no readable answer: try it by hand")
        status = int(reply)
        if status in NOT_RUN_STATUSES:
            raise CompilerError(f"edgetpu_compiler cannot run {where}: {complaint(text)} {GET_IT}")
        if status in (TIMED_OUT_STATUS, SIGNALLED_STATUS + signal.SIGKILL):
            limit = self.timeout_seconds + self.overrun_seconds
            raise CompilerError(
                f"edgetpu_compiler was stopped after {limit} seconds: with some networks it never finishes. Simplify "
                "the network, or allow more time with --timeout"
            )
        if status > SIGNALLED_STATUS:
            raise CompilerError(
                f"edgetpu_compiler crashed (signal {status - SIGNALLED_STATUS}). It said: {complaint(text)} Run "
                "`leapfrog-train check` on the model, and change the operations that it names"
            )

    def _answer(self, models: Mapping[str, bytes]) -> dict[str, bytes]:
        options = ["-s", "-t", str(self.timeout_seconds)]
        if self.min_runtime_version is not None:
            options += ["-m", str(self.min_runtime_version)]
        script = SCRIPT.format(
            kill_seconds=KILL_SECONDS,
            limit_seconds=self.timeout_seconds + self.overrun_seconds,
            options=shlex.join(options),
            models=shlex.join([f"{name}{MODEL_SUFFIX}" for name in models]),
            output=OUTPUT_NAME,
            status=STATUS_NAME,
            missing=MISSING,
        )
        return _unpacked(self._output([*self._command(), script], _archive(models)))

    def _command(self) -> list[str]:
        try:
            command = shlex.split(self.shell)
        except ValueError as problem:
            raise UsageError(f"--shell {self.shell!r}: {problem}") from problem
        if not command:
            raise UsageError("--shell is empty: give a command that takes a script, such as 'ssh HOST'")
        return command

    def _output(self, command: Sequence[str], archive: bytes) -> bytes:
        """What the command prints, with `archive` as its input."""
        deadline = self.timeout_seconds + self.overrun_seconds + self.travel_seconds
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as problem:
            raise CompilerError(
                f"--shell {self.shell!r}: {command[0]} cannot be started ({problem.strerror})"
            ) from problem
        with process:
            try:
                answer, errors = process.communicate(archive, timeout=deadline)
            except subprocess.TimeoutExpired as problem:
                _end(process)
                raise CompilerError(
                    f"the shell {self.shell!r} gave no answer within {deadline:.0f} seconds: try it by hand, or allow "
                    "more time with --timeout"
                ) from problem
        if process.returncode != 0:
            detail = errors.decode(errors="replace").strip()[-300:] or "it printed no error"
            raise CompilerError(f"the shell {self.shell!r} ended with status {process.returncode}: {detail}")
        return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(KILL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _archive(models: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in models.items():
            entry = tarfile.TarInfo(f"{name}{MODEL_SUFFIX}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _unpacked(answer: bytes) -> dict[str, bytes]:
    """The files of an archive, in memory, so that no name in it is ever used as a path."""
    if len(answer) > LARGEST_ANSWER_BYTES:
        raise CompilerError("the shell's answer is too large for compiled models")
    try:
        with tarfile.open(fileobj=io.BytesIO(answer), mode="r:") as archive:
            files = {}
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    files[entry.name.removeprefix("./")] = content.read()
            return files
    except tarfile.TarError as problem:
        raise CompilerError(
            f"the shell's answer is not a tar archive ({problem}): the shell itself must not print anything"
        ) from problem


def _compiled(name: str, answer: Mapping[str, bytes], log: CompilerLog) -> Compiled:
    reports = [report for report in log.models if report.input_model == f"{name}{MODEL_SUFFIX}"]
    if len(reports) != 1:
        raise CompilerError(
            f"edgetpu_compiler printed {count(len(reports), 'report')} about {name}{MODEL_SUFFIX} instead of one"
        )
    content = answer.get(f"{name}{COMPILED_SUFFIX}")
    if content is None:
        raise CompilerError(f"edgetpu_compiler reported success but wrote no {name}{COMPILED_SUFFIX}: run it by hand")
    return Compiled(content, reports[0], log.version)
