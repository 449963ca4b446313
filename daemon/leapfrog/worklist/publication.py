"""Publishes a rendered report: brings it, with its pictures, to the folder that staff open, under plain names such as
`report.html`.

`report.json` is switched last and says which version is shown. Where both folders are on one file system, publishing
makes second names (hard links) and costs no space; elsewhere, and where a link would keep staff out, it copies. It can
be cut short at any point and done again.

This runs in the publishing program, which may hang with the disk: it needs nothing but the standard library.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import fsync_directory, replacing
from leapfrog.state.rendered import SHEET_NAME, VERSIONED_NAME

SWITCHING_ORDER = ("pdf", "html", "json")  # the JSON comes last: it says which version is shown
COPIED_BYTES = 1024 * 1024  # at a time, with a sign of life after each
# Of fsync on a folder, where a file system has no such thing (FAT, some network shares).
FSYNC_NOT_OFFERED = frozenset((errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF))
# Of link(2), when the disk itself is to blame; after any other error a copy may do.
DISK_REFUSES = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOENT, errno.ESTALE))
SIGNATURE_NAME = "report.json.sig"
DRAWN_NAME = re.compile(r"(plain|overlay|heatmap|frame|answer)-.*\.jpg")  # pictures of a reading, and of an answer
DEFAULT_ACL = "system.posix_acl_default"  # acl(5): what a file made in a folder inherits


class NotRendered(Exception):
    """The state directory does not have this version of the report, or not as it was made."""


def publish(rendered: Path, folder: Path, version: int, alive: Callable[[], None] = lambda: None) -> None:
    """Show version `version` of the report that lies in `rendered` as `folder`'s `report.html`, `.json` and `.pdf`.

    If the version has no PDF, none is shown: an earlier one would be printed although it is out of date. Only what its
    report.json lists is shown, and nothing that is not what it lists, such as a file that a power cut left torn.
    `alive` is called now and then. Publishing a version twice does no harm. Raises NotRendered, and OSError when the
    disk of `folder` fails, is full or is missing.
    """
    reports = _reports(rendered, version)
    pictures = [path for path in rendered.iterdir() if _is_picture(path.name) and path.is_file()]
    if (listed := listed_digests(reports["json"])) is not None:
        if "report.pdf" in listed and "pdf" not in reports:
            raise NotRendered
        pictures = [path for path in pictures if path.name in listed]
        reports = {kind: path for kind, path in reports.items() if kind != "pdf" or "report.pdf" in listed}
    changed = [folder, *make_folder(folder)]
    linked = _links_serve_staff(rendered, folder)
    present = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    new = {path: folder / path.name for path in pictures if present.get(path.name) != path.stat().st_size}
    for kind, source in reports.items():
        target = folder / f"report.{kind}"
        if target.name not in present or not _same(source, target):
            new[source] = target
    for source, target in new.items():
        if listed is not None and target.name in listed and digest_of(source, alive) != listed[target.name]:
            raise NotRendered
    for source, target in new.items():
        put(source, target, linked=linked, alive=alive)
    if "pdf" not in reports:
        (folder / "report.pdf").unlink(missing_ok=True)
    if listed is not None:
        for name in filter(DRAWN_NAME.fullmatch, present.keys() - listed.keys()):  # of an earlier reading
            (folder / name).unlink(missing_ok=True)
    for one in changed:
        sync_names(one)


def put(source: Path, target: Path, *, linked: bool, alive: Callable[[], None] = lambda: None) -> None:
    """Make `target` a second name of `source`, or else a copy. Anyone who opens `target` meanwhile sees the old content
    or the new. Its name is durable after `sync_names`.
    """
    if not (linked and _link(source, target)):
        with source.open("rb") as original, replacing(target) as copy:
            while content := original.read(COPIED_BYTES):
                copy.write(content)
                alive()


def put_signature(folder: Path, signature: str) -> None:
    """Lay the signature of the report.json in `folder` beside it, or take an older one away where there is none. Not
    durably: that would cost an fsync for each report, and after a power cut the newest are published again.
    """
    if signature:
        tell(folder / SIGNATURE_NAME, signature)
    else:
        (folder / SIGNATURE_NAME).unlink(missing_ok=True)


def list_page(source: Path, target: Path) -> None:
    """Make a page of the worklist what `source` is, or remove it where that is gone. Raises OSError when the disk of
    `target` fails or is full.
    """
    if not source.exists():
        target.unlink(missing_ok=True)
    elif not target.exists() or not _same(source, target):
        target.parent.mkdir(mode=0o750, exist_ok=True)
        put(source, target, linked=False)
        sync_names(target.parent)


def tell(target: Path, text: str) -> None:
    """Have `target` say `text`: not durably, since it is soon said anew. What is as long as before is written over it
    in place, which costs the disk least: no name and no size changes. Raises OSError when the disk fails or is full.
    """
    content = text.encode()
    if not _written_over(target, content):
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_bytes(content)
        temporary.replace(target)


def _written_over(target: Path, content: bytes) -> bool:
    """Write `content` over that of `target`, if that is a plain file of the same size. Returns whether it was."""
    try:
        descriptor = os.open(target, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1 or state.st_size != len(content):
            return False
        return os.pwrite(descriptor, content, 0) == len(content)
    finally:
        os.close(descriptor)


def take_back(folder: Path, rendered: Path, version: int) -> None:
    """Bring a report that was published, and was never in the state directory, into `rendered`, for the next version.

    Does nothing where there is no such report. Raises OSError when a disk fails or is full.
    """
    if not folder.is_dir():
        return
    changed = [rendered, *make_folder(rendered)]
    linked = folder.stat().st_dev == rendered.stat().st_dev
    for source in folder.iterdir():
        plain = source.stem == "report" and source.suffix.removeprefix(".") in SWITCHING_ORDER
        if plain or _is_picture(source.name):
            name = f"report-{version}{source.suffix}" if plain else source.name
            put(source, rendered / name, linked=linked)
    for one in changed:
        sync_names(one)


def remove(folder: Path) -> None:
    """Remove a published report, and the folder of its day when that is empty. Raises OSError when it stays."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
        sync_names(folder.parent)
    with suppress(OSError):  # the day has other reports
        folder.parent.rmdir()


def make_folder(folder: Path) -> list[Path]:
    """Make `folder`, and its parent for the day, unless they are there; not what is above, which may be a disk's.
    Returns those whose names are durable only after `sync_names`.
    """
    changed = []
    for path in (folder.parent, folder):
        try:
            path.mkdir(mode=0o750)
        except FileExistsError:
            continue
        changed.append(path.parent)
    return changed


def sync_names(folder: Path) -> None:
    """Make the names in `folder` durable, where its file system can."""
    try:
        fsync_directory(folder)
    except OSError as problem:
        if problem.errno not in FSYNC_NOT_OFFERED:
            raise


def _reports(rendered: Path, version: int) -> dict[str, Path]:
    """The files of the report, by kind, in the order in which they are switched."""
    reports = {kind: rendered / f"report-{version}.{kind}" for kind in SWITCHING_ORDER}
    present = {kind: path for kind, path in reports.items() if path.is_file()}
    if not {"html", "json"} <= present.keys():
        raise NotRendered
    return present


def listed_digests(report: Path) -> dict[str, str] | None:
    """The files that a report.json lists: the SHA-256 of each, by the name that staff see. None where it has no list.
    Raises OSError when it cannot be read.
    """
    try:
        return {str(one["name"]): str(one["sha256"]) for one in json.loads(report.read_bytes())["artefacts"]}
    except (ValueError, KeyError, TypeError):
        return None


def digest_of(path: Path, alive: Callable[[], None] = lambda: None) -> str:
    """The SHA-256 of a file's content. `alive` is called now and then. Raises OSError when it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while content := stream.read(COPIED_BYTES):
            digest.update(content)
            alive()
    return digest.hexdigest()


def _is_picture(name: str) -> bool:
    """Whether a file of a rendered report is one of its pictures; a hidden one is still being written."""
    other = VERSIONED_NAME.fullmatch(name) or SHEET_NAME.fullmatch(name)
    return not name.startswith(".") and not other and not name.startswith("report.")


def _links_serve_staff(rendered: Path, folder: Path) -> bool:
    """Whether links would do: on one file system, and where a new file would belong to no other group of readers than
    the linked one does, as it would in a folder with the setgid bit or a default access list.
    """
    ours, theirs = rendered.stat(), folder.stat()
    group_of_new = theirs.st_gid if theirs.st_mode & stat.S_ISGID else os.getegid()
    return ours.st_dev == theirs.st_dev and ours.st_gid == group_of_new and not _has_default_acl(folder)


def _has_default_acl(folder: Path) -> bool:
    try:
        return bool(os.getxattr(folder, DEFAULT_ACL))
    except OSError:  # it has none, or its file system has no such thing
        return False


def _link(source: Path, target: Path) -> bool:
    """Make `target` a second name of `source`; returns whether the file system allows that."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError as problem:
        if problem.errno in DISK_REFUSES:
            raise
        return False
    temporary.replace(target)
    return True


def _same(source: Path, target: Path) -> bool:
    """Whether both have the same content already. A rename onto another name of the same file would do nothing and
    leave both names (POSIX rename).
    """
    ours, theirs = source.stat(), target.stat()
    if os.path.samestat(ours, theirs):
        return True
    return ours.st_size == theirs.st_size and source.read_bytes() == target.read_bytes()
