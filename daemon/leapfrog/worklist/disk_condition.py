"""What is wrong with the disk of the reports, in sentences: what, and what a person can do."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from leapfrog.mounts import Mount, mount_of
from leapfrog.wording.text import count
from leapfrog.worklist.disk_jobs import Condition, DiskAnswer

WHAT: Mapping[Condition, str] = {
    "missing": "The folder of the reports, {folder}, is missing.",
    "not_mounted": "The disk of the reports is not mounted: {folder} is now an empty folder of another disk.",
    "not_a_folder": "The reports cannot be written: {path} is not a folder.",
    "no_permission": "Leapfrog is not allowed to write in {path}, where the reports belong.",
    "read_only": "The disk of the reports, {folder}, is read-only.",
    "full": "The disk of the reports, {folder}, is full.",
    "failing": "The reports cannot be written to {path}: {detail}.",
    "another": "The folder of the reports, {folder}, keeps being replaced by another.",
    "no_answer": "The disk of the reports, {folder}, does not answer.",
}
REMEDY: Mapping[Condition, str] = {
    "missing": "Mount its disk, or make the folder again: `mkdir -p {folder} && touch {folder}/.leapfrog`, owned by"
    " the user that Leapfrog runs as.",
    "not_mounted": "Mount it. If reports are to be written there without it, run `touch {folder}/.leapfrog`.",
    "not_a_folder": "Move {path} away: then the folder is made again.",
    "no_permission": "Give it to the user that Leapfrog runs as: `chown -R leapfrog: {folder}`; in the systemd unit it"
    " must also be in ReadWritePaths.",
    "read_only": "Mount it for writing, and in the systemd unit add it to ReadWritePaths. If it became read-only by"
    " itself, the disk is failing: replace it.",
    "full": "Make room on it.",
    "failing": "Check its cable, its network and the kernel's log (`dmesg`).",
    "another": "Check what else mounts or replaces it.",
    "no_answer": "Check its cable, its network and the kernel's log (`dmesg`).",
}
UNMOUNT = " If it is gone for good, unmount it: `umount -l -f {mount}`."
IN_SHORT: Mapping[Condition, str] = {
    "missing": "the folder is missing",
    "not_mounted": "it is not mounted",
    "not_a_folder": "it is not a folder",
    "no_permission": "Leapfrog is not allowed to write there",
    "read_only": "it is read-only",
    "full": "it is full",
    "failing": "it fails",
    "another": "it was replaced by another",
    "no_answer": "it does not answer",
    "not_looked": "nobody has looked yet",
}


def what_is_wrong(answer: DiskAnswer, folder: Path, state_dir: Path, waiting: int) -> tuple[str, str]:
    """What is wrong with `folder` according to `answer`, and what to do about it. `waiting`: reports not published."""
    values = {
        "folder": folder,
        "path": answer.path or folder,
        "detail": answer.detail or "the disk failed",
    }
    what = WHAT[answer.condition].format(**values)
    wait = "waits" if waiting == 1 else "wait"
    held = (
        f" {count(waiting, 'report')} {wait} in the state directory; nothing is lost, and publishing goes on by itself."
    )
    goes_on = " Receiving, reading and sending go on."
    remedy = REMEDY[answer.condition].format(**values)
    if answer.condition == "no_answer" and (mount := _apart(folder, state_dir)) is not None:
        remedy += UNMOUNT.format(mount=shlex.quote(mount.point))
    return what + (held if waiting else "") + goes_on, remedy


def _apart(folder: Path, state_dir: Path) -> Mount | None:
    """The mount of `folder`, if nothing else of the box is lost with it: neither the system nor what waits in
    `state_dir`.
    """
    mount = mount_of(folder.absolute())
    return None if mount is None or state_dir.resolve().is_relative_to(mount.point) else mount
