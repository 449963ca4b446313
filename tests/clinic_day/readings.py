"""What a real box makes of a few exams: the objects that a made-up day sends again and again."""

import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from leapfrog.phantoms.exams import chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from leapfrog.spool_file.content import open_content
from leapfrog.state.records import DeliveryKind
from support import dcmtk
from support.kiosk import Kiosk
from support.ports import free_port

READING_SECONDS = 180.0


@dataclass(frozen=True)
class MadeObject:
    """One object that a box made of its reading."""

    content: bytes
    sop_class_uid: str

    def for_study(self, study_instance_uid: str) -> tuple[str, bytes]:
        """The like of it in another study. Returns its SOP Instance UID and the file."""
        dataset = pydicom.dcmread(io.BytesIO(self.content))
        dataset.StudyInstanceUID = study_instance_uid
        dataset.SeriesInstanceUID = generate_uid()
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        written = io.BytesIO()
        pydicom.dcmwrite(written, dataset, enforce_file_format=True)
        return str(dataset.SOPInstanceUID), written.getvalue()


Reading = Sequence[tuple[DeliveryKind, MadeObject]]


def read_exams(directory: Path) -> Sequence[Reading]:
    """Let a box read two chest films and two heads with its shipped models. Returns what it made of each exam."""
    directory.mkdir(parents=True)
    exams = (
        chest_exam("opaque", seed=7),
        chest_exam("clear", seed=8),
        fetal_head_exam(FetalHead(), seed=7),
        fetal_head_exam(FetalHead(), seed=8),
    )
    films = [directory / f"{number}.dcm" for number in range(len(exams))]
    for exam, film in zip(exams, films, strict=True):
        pydicom.dcmwrite(film, exam, enforce_file_format=True)
    nowhere = {"url": f"http://127.0.0.1:{free_port()}/dicom-web"}
    with Kiosk(directory / "box", district=nowhere) as kiosk:
        sent = dcmtk.store(kiosk.port, films)
        assert sent.succeeded, sent.text
        kiosk.wait_until_read(len(films), deadline_seconds=READING_SECONDS)
        kiosk.wait_until_quiet()
        found: dict[str, list[tuple[DeliveryKind, MadeObject]]] = defaultdict(list)
        for study, kind, name, byte_count, sop_class in kiosk.rows(
            "SELECT study_key, kind, spool_name, byte_count, sop_class_uid FROM deliveries"
            " WHERE kind != 'original' AND state = 'waiting' ORDER BY sequence"
        ):
            with open_content(kiosk.spool_dir / name, byte_count) as stream:
                found[study].append((kind, MadeObject(stream.read(), sop_class)))
    return list(found.values())
