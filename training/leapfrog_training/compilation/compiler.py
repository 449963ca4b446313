"""Calling edgetpu_compiler here, in a container or on another machine. Runs on the training machine only.

The compiler exists for x86-64 Debian only. So a shell is named that takes a script as its last argument, with standard
input and output: `sh -c` here, `docker run --rm -i IMAGE sh -c` for a container, `ssh HOST` for another machine. The
models go in as a tar archive and come back the same way, so that nothing need be mounted or copied beforehand.
"""

import io
import shlex
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from leapfrog_training.compilation.log import CompilerLog, read_log
from leapfrog_training.edge_tpu_fit.graph import EDGE_TPU_OPERATION, read_graph
from leapfrog_training.errors import CompilerError, ModelFileError

HERE = "sh -c"
COMPILED_SUFFIX = "_edgetpu.tflite"
OUTPUT_NAME, STATUS_NAME = "compiler.out", "compiler.status"
MISSING_STATUS = 127  # what a shell says of a command that is not there
GRACE_SECONDS = 30.0  # for the shell and the way there and back, beyond the compiler's own limit
LARGEST_ANSWER_BYTES = 512 * 2**20

SCRIPT = """
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" && tar -xf - || exit 1
if command -v edgetpu_compiler >/dev/null 2>&1; then
    edgetpu_compiler {options} {models} >{output} 2>&1 </dev/null
    echo $? >{status}
else
    : >{output}
    echo {missing} >{status}
fi
tar -cf - .
"""


@dataclass(frozen=True)
class Compiled:
    """The compiled files by the names of their models, and what the compiler said."""

    models: Mapping[str, bytes]
    log: CompilerLog


@dataclass(frozen=True)
class Compiler:
    """Where edgetpu_compiler runs and for how long; `runtime_version` is the oldest that the result must run on."""

    shell: str = HERE
    timeout_seconds: int = 300
    runtime_version: int | None = None

    def compile(self, models: Mapping[str, bytes]) -> Compiled:
        """Compile int8 models together, so that they share the chip's memory. Names are plain, without suffix.

        Raises CompilerError when the compiler is missing, refuses, runs out of time or answers what is not expected.
        """
        answer = _unpacked(self._run(_archive({f"{name}.tflite": content for name, content in models.items()}), models))
        status = answer.get(STATUS_NAME, b"").decode(errors="replace").strip()
        text = answer.get(OUTPUT_NAME, b"").decode(errors="replace")
        if status == str(MISSING_STATUS):
            raise CompilerError(
                "edgetpu_compiler is not installed. It runs on x86-64 Debian and Ubuntu only: install the package "
                "edgetpu-compiler from Coral's apt repository, or name a place that has it with --shell, such as "
                "--shell 'ssh HOST' or --shell 'docker run --rm -i IMAGE sh -c'"
            )
        if not status.isdigit():
            raise CompilerError(f"the shell {self.shell!r} gave no answer that can be read: try it by hand")
        if int(status) > 128:
            raise CompilerError(
                f"edgetpu_compiler crashed (signal {int(status) - 128}). It said: {text.strip()[-300:] or 'nothing'}"
            )
        log = read_log(text)
        if status != "0":
            raise CompilerError(f"edgetpu_compiler ended with status {status}. It said: {text.strip()[-300:]}")
        return Compiled({name: _checked(name, models[name], answer) for name in models}, log)

    def _run(self, archive: bytes, models: Mapping[str, bytes]) -> bytes:
        options = ["-s", "-t", str(self.timeout_seconds)]
        if self.runtime_version is not None:
            options += ["-m", str(self.runtime_version)]
        script = SCRIPT.format(
            options=shlex.join(options),
            models=shlex.join([f"{name}.tflite" for name in models]),
            output=OUTPUT_NAME,
            status=STATUS_NAME,
            missing=MISSING_STATUS,
        )
        command = [*shlex.split(self.shell), script]
        deadline = self.timeout_seconds * len(models) + GRACE_SECONDS
        try:
            ended = subprocess.run(command, input=archive, capture_output=True, timeout=deadline, check=False)
        except FileNotFoundError as problem:
            raise CompilerError(f"--shell {self.shell!r}: there is no program {command[0]!r}") from problem
        except subprocess.TimeoutExpired as problem:
            raise CompilerError(
                f"edgetpu_compiler was stopped after {deadline:.0f} seconds: some networks keep it busy without end. "
                "Simplify the network, or give it longer with --timeout"
            ) from problem
        if ended.returncode != 0:
            said = ended.stderr.decode(errors="replace").strip()[-300:]
            raise CompilerError(f"the shell {self.shell!r} failed with status {ended.returncode}: {said or 'silently'}")
        return ended.stdout


def _archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _unpacked(answer: bytes) -> dict[str, bytes]:
    """The files of an archive, in memory: no name in it ever becomes a path."""
    if len(answer) > LARGEST_ANSWER_BYTES:
        raise CompilerError("the answer of the shell is too large to be compiled models")
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
            f"the shell's answer is no tar archive: it must print nothing else ({problem})"
        ) from problem


def _checked(name: str, source: bytes, answer: Mapping[str, bytes]) -> bytes:
    compiled = answer.get(f"{name}{COMPILED_SUFFIX}")
    if compiled is None:
        raise CompilerError(f"edgetpu_compiler reported success but left no {name}{COMPILED_SUFFIX}")
    try:
        before, after = read_graph(source), read_graph(compiled)
    except ModelFileError as problem:
        raise CompilerError(f"{name}{COMPILED_SUFFIX}: {problem}") from problem
    if not after.is_compiled:
        raise CompilerError(f"{name}{COMPILED_SUFFIX} holds no {EDGE_TPU_OPERATION}: nothing was compiled")
    ends = [
        [(graph.tensors[index].kind, graph.tensors[index].shape) for index in (*graph.inputs, *graph.outputs)]
        for graph in (before, after)
    ]
    if ends[0] != ends[1]:
        raise CompilerError(f"{name}{COMPILED_SUFFIX} has other inputs or outputs than the model it was made from")
    return compiled
