"""Made-up instances in a journal and a spool, owed to the district or to others."""

import io
from collections.abc import Sequence
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import DeliveryKind, NewDelivery, NewInstance, StudyIdentity
from leapfrog.state.spool import Spool
from support.spooled import put_in_spool

PATIENT_NAME = "Secret^Patient"
COLUMNS = 1000


def secondary_capture(pixel_bytes: int = COLUMNS, **attributes: object) -> Dataset:
    """A grey image of whole rows of 1000 pixels; `attributes` replace its own, None removes one."""
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientName = PATIENT_NAME
    dataset.PatientID = "P1"
    dataset.Modality = "OT"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixel_bytes // COLUMNS, COLUMNS
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = (bytes(range(250)) * (COLUMNS // 250)) * (pixel_bytes // COLUMNS)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
        if value is None:
            delattr(dataset, keyword)
    return dataset


def part10_bytes(dataset: Dataset) -> bytes:
    """The data set as a DICOM file in Explicit VR Little Endian."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = io.BytesIO()
    dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue()


def without_padding(content: bytes) -> bytes:
    """A file that ends with pixels in explicit VR, as machines write it that do not pad an odd number of bytes."""
    start = content.rindex(b"\xe0\x7f\x10\x00OB\0\0") + 8
    length = int.from_bytes(content[start : start + 4], "little")
    assert (len(content) - start - 4, content[-1]) == (length, 0), "it ends with a byte of padding"
    return content[:start] + (length - 1).to_bytes(4, "little") + content[start + 4 : -1]


def owe(
    journal: Journal,
    spool: Spool,
    content: bytes,
    sop_instance_uid: str,
    *,
    urgent: bool = False,
    forward_as: str | None = None,
    owed_to: Sequence[str] = (DISTRICT,),
) -> str:
    """Make `content` durable as an original that is owed, perhaps under another UID. Returns our instance id."""
    instance_id = new_id()
    new = NewInstance(
        id=instance_id,
        spool_name=f"{instance_id}.dcm",
        byte_count=0,
        source="test",
        study=StudyIdentity(),
        sop_instance_uid=sop_instance_uid,
        sop_class_uid=SecondaryCaptureImageStorage,
        owed_to=tuple(owed_to),
        forward_as=forward_as,
    )
    Instances(journal).add(put_in_spool(spool, content, new))
    if urgent:
        with journal.transaction() as connection:
            connection.execute("UPDATE deliveries SET urgent = 1 WHERE instance_id = ?", (instance_id,))
    return instance_id


def owe_image(
    journal: Journal,
    spool: Spool,
    pixel_bytes: int = COLUMNS,
    *,
    urgent: bool = False,
    owed_to: Sequence[str] = (DISTRICT,),
) -> str:
    """Owe one made-up image. Returns its SOP Instance UID."""
    dataset = secondary_capture(pixel_bytes)
    owe(journal, spool, part10_bytes(dataset), dataset.SOPInstanceUID, urgent=urgent, owed_to=owed_to)
    return str(dataset.SOPInstanceUID)


def owe_result(
    journal: Journal,
    spool: Spool,
    kind: DeliveryKind = "structured_report",
    byte_count: int = 5_000,
    destination: str = "district",
) -> str:
    """Owe a destination an object of about so many bytes that was made of the first study's report. Returns its SOP
    Instance UID.
    """
    dataset = secondary_capture(byte_count // COLUMNS * COLUMNS)
    content = part10_bytes(dataset)
    name = f"{new_id()}.dcm"
    spool.path(name).write_bytes(content)
    new = NewDelivery(
        kind=kind,
        destinations=(destination,),
        sop_class_uid=SecondaryCaptureImageStorage,
        sop_instance_uid=str(dataset.SOPInstanceUID),
        spool_name=name,
        byte_count=len(content),
    )
    [study] = journal.rows("SELECT key FROM studies LIMIT 1")
    assert Deliveries(journal).add(new, study["key"])
    return str(dataset.SOPInstanceUID)


def open_state(directory: Path) -> tuple[Journal, Spool]:
    """The journal and the spool of a state directory."""
    return Journal(directory / "journal.sqlite"), Spool(directory / "spool", 0)
