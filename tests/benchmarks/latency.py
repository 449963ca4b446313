"""How soon a report is on disk: from the C-STORE response to `report.json`, each image a study of its own; and how long
the bare parts of such a report take on this machine.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom import Dataset, dcmread
from pynetdicom import AE
from pynetdicom.association import Association

from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import Measurement, at_most
from support.exams import chest_radiograph, fetal_head_cine, write_instances
from support.waiting import wait_until

if TYPE_CHECKING:
    from benchmarks.bare.report import BareReport

REPORT_SECONDS = 60.0
POLL_SECONDS = 0.05  # the time is that of the file: a quick poll would only take the processor away from the box
GROUP = "From the C-STORE response to report.json"
BARE_GROUP = "The bare parts of a report, in one process"
TIMES_BARE = 2.5  # what the box may take of its bare parts
THREADS = 1  # of a model, as `Kiosk` sets it


@dataclass(frozen=True)
class Kind:
    """Images of one kind, and within how many seconds the report is to be there."""

    make: Callable[[], Dataset]
    aim_seconds: float | None = None


KINDS = {
    "raw CR of 10 MB": Kind(chest_radiograph, 0.25),
    "lossless-JPEG CR of 4 MB": Kind(lambda: chest_radiograph(lossless_jpeg=True), 0.6),
    "US of 0.7 MB": Kind(fetal_head_cine),
}


def measure(run: Run) -> None:
    """One image after the other, each when the box has nothing else to do; and in turn with them the bare parts."""
    count = max(3, round(30 * run.dose))
    for name, kind in KINDS.items():
        images = [made.path for made in write_instances(kind.make(), run.directory / "exam", count, studies=count)]
        run.progress.say(f"from the response to report.json: {count} times {name}")
        bare = _bare_report(images[0], run.directory / "bare") if run.with_peers else None
        seconds: list[float] = []
        parts: list[dict[str, float]] = []
        with WholeBox(run.directory / "box") as box:
            for path in images:
                seconds.append(seconds_to_report(box, path))
                if bare is not None:
                    parts.append(bare.seconds())
        _add(run, name, kind, sorted(seconds))
        if parts:
            _add_bare(run, name, parts, statistics.median(seconds))
            remove(run.directory / "bare")
        remove(run.directory / "exam")
        remove(run.directory / "box")


def _bare_report(path: Path, directory: Path) -> "BareReport":
    """The bare parts, warm."""
    from benchmarks.bare.report import BareReport  # no older version of the box can be asked for them

    bare = BareReport(path, directory, THREADS)
    bare.seconds()
    return bare


def _add(run: Run, name: str, kind: Kind, seconds: list[float]) -> None:
    aim = None if kind.aim_seconds is None else at_most(kind.aim_seconds)
    remark = f"of {len(seconds)}"
    run.results.add_median(GROUP, f"{name}, median", seconds, "s", aim, remark)
    late = seconds[round(0.95 * (len(seconds) - 1))]
    run.results.add(Measurement(GROUP, f"{name}, 95th percentile", late, "s", aim, (), remark))


def _add_bare(run: Run, name: str, parts: list[dict[str, float]], box_seconds: float) -> None:
    medians = {part: statistics.median(one[part] for one in parts) * 1000 for part in parts[0]}
    remark = ", ".join(f"{part} {milliseconds:.1f}" for part, milliseconds in medians.items())
    total = sum(medians.values())
    run.results.add(Measurement(BARE_GROUP, name, total, "ms", None, (), remark))
    ratio = box_seconds * 1000 / total
    run.results.add(Measurement(BARE_GROUP, f"the box / the bare parts, {name}", ratio, "x", at_most(TIMES_BARE)))


def seconds_to_report(box: WholeBox, path: Path) -> float:
    """Send one image, and see when its report is there. Waits until the box is quiet again."""
    dataset = dcmread(path)
    known = set(box.kiosk.reports_dir.glob("*/*/report.json"))
    association = _associate(box.port, str(dataset.SOPClassUID), str(dataset.file_meta.TransferSyntaxUID))
    status = association.send_c_store(dataset)
    answered = time.time()
    if status.Status != 0x0000:
        raise RuntimeError(f"the box answered {status.Status:#06x}")
    (report,) = wait_until(
        lambda: set(box.kiosk.reports_dir.glob("*/*/report.json")) - known,
        "the report",
        deadline_seconds=REPORT_SECONDS,
        poll_seconds=POLL_SECONDS,
    )
    there = report.stat().st_ctime  # when it took its name
    association.release()
    box.kiosk.wait_until_quiet()
    return there - answered


def _associate(port: int, sop_class_uid: str, transfer_syntax_uid: str) -> Association:
    entity = AE(ae_title="MODALITY")
    entity.maximum_pdu_size = 131_072
    entity.add_requested_context(sop_class_uid, transfer_syntax_uid)
    association = entity.associate("127.0.0.1", port, ae_title="LEAPFROG")
    if not association.is_established:
        raise RuntimeError("the box does not accept the association")
    return association
