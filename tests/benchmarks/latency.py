"""How soon a report is on disk: from the C-STORE response to `report.json`, each image a study of its own."""

import time
from pathlib import Path

from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.association import Association

from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import Measurement, at_most
from support.exams import chest_radiograph, write_instances
from support.waiting import wait_until

REPORT_SECONDS = 60.0
POLL_SECONDS = 0.002
KINDS = {"raw CR of 10 MB": (False, 0.25), "lossless-JPEG CR of 4 MB": (True, 0.6)}


def measure(run: Run) -> None:
    """One image after the other, each when the box has nothing else to do."""
    count = max(3, round(30 * run.dose))
    for name, (lossless_jpeg, aim_seconds) in KINDS.items():
        image = chest_radiograph(lossless_jpeg=lossless_jpeg)
        images = [made.path for made in write_instances(image, run.directory / "cr", count, studies=count)]
        run.progress.say(f"from the response to report.json: {count} times {name}")
        with WholeBox(run.directory / "box") as box:
            seconds = sorted(seconds_to_report(box, path) for path in images)
        group = "From the C-STORE response to report.json"
        run.results.add_median(group, f"{name}, median", seconds, "s", at_most(aim_seconds), remark=f"of {count}")
        late = seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]
        run.results.add(
            Measurement(group, f"{name}, 95th percentile", late, "s", at_most(aim_seconds), (), f"of {count}")
        )
        remove(run.directory / "cr")
        remove(run.directory / "box")


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
