"""Made-up readings and report jobs, with pictures that the report's own drawing code made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog.exam import (
    Code,
    Finding,
    HeatmapPicture,
    Identity,
    ImageHeader,
    ImageReading,
    Measurement,
    ModelUsed,
    Polygon,
)
from leapfrog.processes.messages import ReportJob, Station
from leapfrog.reader.report.overlay import Marking, save_heatmap, save_outlines, save_plain
from leapfrog.wording.content import content_of
from leapfrog.wording.report import words_of
from leapfrog.wording.report_words import ReportWords

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
ULTRASOUND_CINE = "1.2.840.10008.5.1.4.1.1.3.1"
CHEST_MODEL = ModelUsed(name="chest-findings", version="0.1.0", device="cpu", demonstration=True)
HEAD_MODEL = ModelUsed(name="fetal-head", version="0.2.0", device="edgetpu", demonstration=True)
PATIENT = Identity(
    patient_name="Okello^Grace",
    patient_id="KIT-004211",
    birth_date="19840217",
    sex="F",
    accession_number="A-20261",
    study_instance_uid="1.2.826.0.1.3680043.10.1",
    study_date="20261103",
    study_time="142210",
    study_description="Chest PA",
)
SCORES = {"Pleural effusion": (0.87, 0.41), "Infiltration": (0.63, 0.52), "Nodule": (0.11, 0.35)}
CIRCLE = tuple((0.5 + 0.3 * float(np.cos(t)), 0.5 + 0.4 * float(np.sin(t))) for t in np.linspace(0, 6.2, 60))


def finding(name: str, score: float = 0.8, threshold: float = 0.5, **values: Any) -> Finding:
    """A finding that is flagged when its score reaches its threshold."""
    values = {"code": Code(value=name, scheme="99TEST", meaning=name), "flagged": score >= threshold, **values}
    return Finding(name=name, score=score, threshold=threshold, **values)


def gray_picture(rows: int = 300, columns: int = 240) -> NDArray[np.uint8]:
    """A gradient with a bright disc; (rows, columns)."""
    y, x = np.mgrid[0:rows, 0:columns]
    disc = (y - rows / 2) ** 2 + (x - columns / 2) ** 2 < (rows / 5) ** 2
    return np.asarray((x * 120 / columns + disc * 90), dtype=np.uint8)


def warm_spot(row: int, column: int) -> NDArray[np.float32]:
    """A 7 x 7 map that is warm in one cell."""
    heat = np.full((7, 7), 0.1, dtype=np.float32)
    heat[row, column] = 0.9
    return heat


def chest_reading(report_dir: Path, **values: Any) -> ImageReading:
    """A chest film with two flagged findings, its pictures drawn into `report_dir`."""
    maps = [("Pleural effusion", warm_spot(5, 1)), ("Infiltration", warm_spot(2, 5))]
    save_plain(gray_picture(), report_dir / "plain-1.jpg")
    save_heatmap(gray_picture(), maps, report_dir / "overlay-1.jpg")
    for number, one in enumerate(maps, start=1):
        save_heatmap(gray_picture(), [one], report_dir / f"heatmap-1-{number}.jpg")
    return ImageReading(
        **{
            "instance_id": "00000000000000a1",
            "sop_instance_uid": "1.2.826.0.1.3680043.10.1.1",
            "source": "XRAY1",
            "identity": PATIENT,
            "header": ImageHeader(sop_class_uid=COMPUTED_RADIOGRAPHY, modality="CR", body_part="CHEST", view="PA"),
            "model": CHEST_MODEL,
            "outcome": "findings",
            "findings": tuple(finding(name, *numbers) for name, numbers in SCORES.items()),
            "plain": "plain-1.jpg",
            "overlay": "overlay-1.jpg",
            "heatmaps": tuple(
                HeatmapPicture(finding=name, file=f"heatmap-1-{number}.jpg") for number, (name, _) in enumerate(maps, 1)
            ),
            **values,
        }
    )


def head_reading(report_dir: Path, **values: Any) -> ImageReading:
    """A fetal head, outlined and measured, its pictures drawn into `report_dir`."""
    save_plain(gray_picture(200, 300), report_dir / "plain-2.jpg")
    head = Marking((CIRCLE,), "Head circumference 175.0 mm")
    save_outlines(gray_picture(200, 300), [head], report_dir / "overlay-2.jpg")
    measurement = Measurement(name="Head circumference", value=175.0, unit="mm")
    return ImageReading(
        **{
            "instance_id": "00000000000000a2",
            "sop_instance_uid": "1.2.826.0.1.3680043.10.1.2",
            "source": "US1",
            "identity": PATIENT,
            "header": ImageHeader(sop_class_uid=ULTRASOUND_CINE, modality="US", body_part="HEAD", frames=40),
            "model": HEAD_MODEL,
            "outcome": "findings",
            "findings": (finding("Fetal head", 0.97, contour=(CIRCLE,), measurement=measurement),),
            "plain": "plain-2.jpg",
            "overlay": "overlay-2.jpg",
            "frame": 12,
            **values,
        }
    )


NERVE_MODEL = ModelUsed(
    name="nerve",
    version="0.1.0",
    device="cpu",
    demonstration=True,
    caution="Of ten nerves it outlines, about three are none.",
    aid="An aid for finding a nerve, no diagnosis. It must not guide a needle.",
)


def nerve_reading(
    report_dir: Path, *, nerves: int = 1, vessels: int = 1, areas: Sequence[float] = (), **values: Any
) -> ImageReading:
    """An ultrasound picture with so many nerves outlined and vessels hatched, drawn into `report_dir`; `areas`, in mm2,
    are those of the nerves.
    """
    parts = {"Nerve": _parts(nerves, 0.3), "Vessel": _parts(vessels, 0.7)}
    markings = [Marking(shown, name, hatched=name == "Vessel") for name, shown in parts.items() if shown]
    save_plain(gray_picture(200, 300), report_dir / "plain-3.jpg")
    if markings:
        save_outlines(gray_picture(200, 300), markings, report_dir / "overlay-3.jpg")
    area = Measurement(name="Nerve area", value=sum(areas), unit="mm2", parts=tuple(areas) if len(areas) > 1 else ())
    note = "" if nerves else "No nerve was recognised in the picture. It may still be there."
    found = (
        finding(
            "Nerve", 0.8 if nerves else 0.3, contour=parts["Nerve"], measurement=area if areas else None, note=note
        ),
        finding("Vessel", 0.9 if vessels else 0.1, contour=parts["Vessel"], drawn="hatched"),
    )
    return ImageReading(
        **{
            "instance_id": "00000000000000a4",
            "sop_instance_uid": "1.2.826.0.1.3680043.10.1.4",
            "source": "US1",
            "identity": PATIENT.model_copy(update={"study_description": "Femoral nerve"}),
            "header": ImageHeader(sop_class_uid=ULTRASOUND, modality="US"),
            "model": NERVE_MODEL,
            "outcome": "findings" if nerves else "nothing_found",
            "findings": found,
            "plain": "plain-3.jpg",
            "overlay": "overlay-3.jpg" if markings else None,
            **values,
        }
    )


def _parts(number: int, y: float) -> tuple[Polygon, ...] | None:
    """So many triangles in a row, at this height."""
    return tuple(((0.2 * i + 0.1, y), (0.2 * i + 0.2, y), (0.2 * i + 0.1, y + 0.2)) for i in range(number)) or None


def unassessed_reading(**values: Any) -> ImageReading:
    """A lateral film that no model covers, without pictures."""
    return ImageReading(
        **{
            "instance_id": "00000000000000a3",
            "sop_instance_uid": "1.2.826.0.1.3680043.10.1.3",
            "source": "XRAY1",
            "identity": PATIENT,
            "header": ImageHeader(sop_class_uid=COMPUTED_RADIOGRAPHY, modality="CR", body_part="CHEST", view="LL"),
            "outcome": "not_assessed",
            "reason": "This is a lateral view. Send a frontal film.",
            **values,
        }
    )


def report_job(report_dir: Path, *readings: ImageReading, **values: Any) -> ReportJob:
    """The job that renders `readings` into `report_dir`."""
    work_dir = report_dir / "work"
    work_dir.mkdir(exist_ok=True)
    return ReportJob(
        **{
            "study_key": "00000000000000f1",
            "version": 1,
            "received_at": "2026-11-03T14:25:10+03:00",
            "station": Station(name="Kitgum", ae_title="LEAPFROG", software_version="0.1.0"),
            "readings": readings,
            "picture_dir": report_dir,
            "report_dir": report_dir,
            "work_dir": work_dir,
            **values,
        }
    )


def report_words(job: ReportJob) -> ReportWords:
    """What the report of `job` says, as `render` has it set."""
    content = content_of(
        job.readings,
        other_patient_ids=job.other_patient_ids,
        models_in_use=job.models_in_use,
        include_heatmaps=job.include_heatmaps,
    )
    return words_of(
        content,
        study_key=job.study_key,
        exam_number=job.exam_number,
        station=job.station.name,
        ae_title=job.station.ae_title,
        version=job.version,
        software_version=job.station.software_version,
        received_at=job.received_at,
        made_at=job.made_at,
        code=job.code,
    )
