"""Switches a rendered report to its plain names.

`report.json` is switched last and says which version is shown: while it still names the older one, a start publishes
again. Hard links make the switch one rename per file; where the file system has none, the content is copied.
"""

import json
import os
import re
from pathlib import Path

from leapfrog.durable import fsync_directory, write_durably
from leapfrog.state.records import StudyRecord

VERSIONED_NAME = re.compile(r"report-(\d+)\.(html|json|pdf)")
SWITCHING_ORDER = ("pdf", "html", "json")  # what counts as the report comes last


def report_dir_of(reports_dir: Path, study: StudyRecord) -> Path:
    """Where a study's report lies: by date and a key of ours, so that no path says whose it is."""
    return reports_dir / study.received_date / study.key


def ensure_report_dir(reports_dir: Path, study: StudyRecord) -> Path:
    """The same, made where it is missing. Raises OSError when the disk does not take it."""
    path = report_dir_of(reports_dir, study)
    path.mkdir(mode=0o750, parents=True, exist_ok=True)
    return path


def publish(report_dir: Path, version: int) -> None:
    """Show version `version` of the report in `report_dir` as `report.html`, `.json` and `.pdf`, durably.

    A version without a PDF leaves the last PDF where it is. Does nothing when a newer version is shown already.
    Publishing again does no harm. Raises FileNotFoundError when the version was never rendered, OSError when the disk
    does not take it.
    """
    shown = published_version(report_dir)
    if shown is not None and shown > version:
        return
    for kind in SWITCHING_ORDER:
        source = report_dir / f"report-{version}.{kind}"
        if kind != "pdf" or source.exists():
            _switch(source, report_dir / f"report.{kind}")
    fsync_directory(report_dir)
    _remove_older(report_dir, version)


def published_version(report_dir: Path) -> int | None:
    """The version that `report.json` shows; None while there is none, or none that can be read."""
    try:
        version = json.loads((report_dir / "report.json").read_bytes())["version"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, int) else None


def _switch(source: Path, target: Path) -> None:
    """Both names hold the same file afterwards; whoever opens `target` sees the old content or the new one."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except FileNotFoundError:
        raise
    except OSError:  # FAT and some network shares know no hard links
        write_durably(target, source.read_bytes())
        return
    # A rename onto another name of the same file does nothing and leaves both names (POSIX rename).
    if target.exists() and target.samefile(source):
        temporary.unlink()
    else:
        temporary.replace(target)


def _remove_older(report_dir: Path, version: int) -> None:
    for path in report_dir.iterdir():
        match = VERSIONED_NAME.fullmatch(path.name)
        if match and int(match[1]) < version:
            path.unlink(missing_ok=True)
