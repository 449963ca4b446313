"""Publishes a rendered report: gives its files their plain names, such as `report.html`.

`report.json` is switched last and says which version is shown. While it still names an older version, the next start
publishes again. With hard links the switch is one rename per file; on a file system without them, the files are copied.
"""

import json
import os
import re
from pathlib import Path

from leapfrog.durable import fsync_directory, write_durably
from leapfrog.state.records import ForgottenReport, StudyRecord

VERSIONED_NAME = re.compile(r"report-(\d+)\.(html|json|pdf)")
SWITCHING_ORDER = ("pdf", "html", "json")  # the JSON comes last: it says which version is shown


def report_dir_of(reports_dir: Path, study: StudyRecord | ForgottenReport) -> Path:
    """The folder of a study's report. Its path has only the date and our own key, so that it names no patient."""
    return reports_dir / study.received_date / study.key


def ensure_report_dir(reports_dir: Path, study: StudyRecord) -> Path:
    """The same folder, created if it is missing. Raises OSError when that fails."""
    path = report_dir_of(reports_dir, study)
    path.mkdir(mode=0o750, parents=True, exist_ok=True)
    return path


def publish(report_dir: Path, version: int) -> None:
    """Show version `version` of the report in `report_dir` as `report.html`, `.json` and `.pdf`, durably.

    If the version has no PDF, the previous PDF stays. Does nothing if a newer version is already shown. Publishing a
    version twice does no harm. Raises FileNotFoundError when it was never rendered, OSError when the disk fails or is
    full.
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
    """The version that `report.json` names; None if there is no such file or it cannot be understood."""
    try:
        version = json.loads((report_dir / "report.json").read_bytes())["version"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, int) else None


def _switch(source: Path, target: Path) -> None:
    """Make `target` a second name of `source`. Anyone who opens `target` meanwhile sees the old content or the new."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except FileNotFoundError:
        raise
    except OSError:  # FAT and some network shares have no hard links
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
