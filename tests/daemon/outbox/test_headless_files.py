"""Files from old machines leave the box as whole DICOM files."""

from io import BytesIO
from pathlib import Path

import pydicom

from support.orthanc import Orthanc
from support.outbox_box import Box
from support.owed import owe


def test_orthanc_takes_headless_files_old_real_ones_included(box: Box, orthanc: Orthanc, shared_data: Path) -> None:
    folder = shared_data / "dicom"
    files = [
        folder / "pydicom_MIT" / "ExplVR_BigEndNoMeta.dcm",
        folder / "pydicom-data_MIT" / "OT-PAL-8-face.dcm",
        folder / "fo-dicom_MSPL" / "CR-MONO1-10-chest",
    ]
    uids = []
    for file in files:
        uids.append(str(pydicom.dcmread(file, force=True, stop_before_pixels=True).SOPInstanceUID))
        owe(box.journal, box.spool, file.read_bytes(), uids[-1])
    box.sender(orthanc.dicomweb_url).start()
    box.wait_for(confirmed=3)
    for file, uid in zip(files, uids, strict=True):
        held = pydicom.dcmread(BytesIO(orthanc.file(uid)))
        assert held.get("PatientID") == pydicom.dcmread(file, force=True).get("PatientID")
