"""The publishing program: a child of the main process, and the only one that touches the folder that staff open.

That folder may be on a share that is dead. Whoever touches one may then hang in the kernel, where not even a kill ends
him, and what he had open stays open. So this program has nothing open: no port, no journal, no lock.
"""

import argparse
import ctypes
import os
import secrets
import signal
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from leapfrog.durable import replacing
from leapfrog.heartbeat.names import NEWEST_NAME
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.worklist.alive_pages import AlivePages
from leapfrog.worklist.disk_jobs import Condition, DiskAnswer, DiskJob, condition_of
from leapfrog.worklist.publication import (
    NotRendered,
    list_page,
    publish,
    put_signature,
    remove,
    sync_names,
    take_back,
    tell,
)

MARK_NAME = ".leapfrog"  # in the folder of the reports: a random token, by which it is known again
PR_SET_PDEATHSIG = 1  # prctl(2)


class _Another(Exception):
    """The folder is not the one that was looked at last."""


def work(job: DiskJob, channel: LineChannel, alive_pages: AlivePages) -> DiskAnswer:
    """Do `job`; whatever the disk does is part of the answer."""
    try:
        if job.kind in ("look", "inspect"):
            return _look(job)
        _recognise(job)
        _do(job, channel, alive_pages)
    except NotRendered:
        return DiskAnswer(condition="good", not_rendered=True)
    except _Another:
        return DiskAnswer(condition="another")
    except OSError as problem:
        if isinstance(problem, FileNotFoundError) and job.kind == "publish" and not _is_rendered(job):
            return DiskAnswer(condition="good", not_rendered=True)  # a newer version has replaced it meanwhile
        path = problem.filename2 or problem.filename or job.reports_dir
        return DiskAnswer(condition=condition_of(problem), detail=problem.strerror or "", path=str(path))
    return DiskAnswer(condition="good")


def _do(job: DiskJob, channel: LineChannel, alive_pages: AlivePages) -> None:
    source, target = Path(job.source), Path(job.target)
    match job.kind:
        case "publish":
            publish(source, target, job.version, lambda: channel.send(""))
            put_signature(target, job.signature)
            tell(target / NEWEST_NAME, job.text)
        case "take_back":
            take_back(source, target, job.version)
        case "list":
            list_page(source, target)
        case "tell":
            tell(target, job.text)
        case "alive":
            alive_pages.tell(target, job.text, job.token)
        case "remove":
            remove(target)


def _is_rendered(job: DiskJob) -> bool:
    return (Path(job.source) / f"report-{job.version}.json").exists()


# ---------------------------------------------------------------- the folder itself


def _look(job: DiskJob) -> DiskAnswer:
    folder = Path(job.reports_dir)
    if job.make and not folder.exists():
        _make(folder)
    answer = _condition(folder, job)
    if answer.condition != "good":
        return answer
    if job.kind == "inspect":
        _try_writing(folder)
        return answer
    return replace(answer, token=_mark_of(folder) or _mark(folder))


def _make(folder: Path) -> None:
    """Make the folder and those above it, durably: one that a power cut took away again would look like a disk that is
    not there.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o750, parents=True)
    for path in missing:
        sync_names(path.parent)


def _condition(folder: Path, job: DiskJob) -> DiskAnswer:
    """How `folder` is, as far as one sees without writing there."""
    state = folder.stat()
    if not folder.is_dir():
        return DiskAnswer(condition="not_a_folder", path=str(folder))
    apart = state.st_dev not in {Path(job.state_dir).stat().st_dev, Path("/").stat().st_dev}
    if _mark_of(folder) is None and job.apart and not apart:
        return DiskAnswer(condition="not_mounted", path=str(folder))
    disk = os.statvfs(folder)
    condition: Condition = "good"
    if disk.f_flag & os.ST_RDONLY:
        condition = "read_only"
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        condition = "no_permission"
    elif disk.f_bavail == 0 and disk.f_blocks:  # some network shares count no blocks at all
        condition = "full"
    return DiskAnswer(
        condition=condition,
        path=str(folder),
        apart=apart,
        free_bytes=disk.f_bavail * disk.f_frsize,
        total_bytes=disk.f_blocks * disk.f_frsize,
    )


def _try_writing(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".leapfrog-doctor-") as file:
        file.write(b"leapfrog")
        file.flush()
        os.fsync(file.fileno())


def _mark(folder: Path) -> str:
    token = secrets.token_hex(8)
    with replacing(folder / MARK_NAME) as stream:
        stream.write(token.encode())
    sync_names(folder)
    return token


def _mark_of(folder: Path) -> str | None:
    """The folder's mark; None without one. One that a person made, to have the folder used as it is, may be empty."""
    try:
        return (folder / MARK_NAME).read_text(errors="replace").strip()
    except FileNotFoundError:
        return None


def _recognise(job: DiskJob) -> None:
    if _mark_of(Path(job.reports_dir)) != job.token:
        raise _Another


# ---------------------------------------------------------------- the program


def main() -> int:
    """Answer jobs over the open file descriptor --fd, until the other end is closed; returns the exit status."""
    parser = argparse.ArgumentParser(description="Leapfrog's publishing program; the daemon starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the daemon's file descriptor")
    parser.add_argument("--parent", type=int, required=True, help="the process that this one ends with")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the daemon decides when this process ends
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != options.parent:
        return 1
    channel, alive_pages = LineChannel(socket.socket(fileno=options.fd)), AlivePages()
    try:
        while (line := channel.receive()) is not None:
            channel.send(work(DiskJob.of(line), channel, alive_pages).line())
    except ChannelClosed:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
