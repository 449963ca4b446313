"""Storage commitment of a whole box: Orthanc is the machine that asks, and a kill comes between question and report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.uid import SecondaryCaptureImageStorage

from support.commitment_box import new_images, store_images
from support.kiosk import Kiosk
from support.modality import Modality
from support.orthanc import Orthanc, orthanc_program
from support.owed import part10_bytes
from support.ports import free_port
from support.waiting import wait_until

SECONDS = 90.0  # the program that calls takes seconds to start on a busy machine


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An Orthanc that stores to a box and asks it for commitment, as a workstation would."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    server = Orthanc(tmp_path / "orthanc", DicomAet="ORTHANC")
    yield server
    server.kill()


def ask(server: Orthanc, path: str, content: Any = None) -> Any:
    url = f"{server.url}{path}"
    answer = requests.get(url, timeout=60) if content is None else requests.post(url, json=content, timeout=60)
    answer.raise_for_status()
    return answer.json()


def called_back(ae_title: str, port: int) -> dict[str, object]:
    return {"modality": [{"ae_title": ae_title, "host": "127.0.0.1", "port": port}]}


def test_orthanc_is_told_what_is_kept_and_what_is_not(tmp_path: Path, orthanc: Orthanc) -> None:
    with Kiosk(tmp_path / "kiosk", dicom=called_back("ORTHANC", orthanc.dicom_port)) as kiosk:
        orthanc.options["DicomModalities"] = {"box": ["LEAPFROG", "127.0.0.1", kiosk.port]}
        with orthanc:
            images = new_images(2)
            for image in images:
                orthanc.add(part10_bytes(image))
            ids = [found["ID"] for found in ask(orthanc, "/instances?expand")]
            assert ask(orthanc, "/modalities/box/store", {"Resources": ids})["FailedInstancesCount"] == 0
            whole = ask(orthanc, "/modalities/box/storage-commitment", {"Resources": ids})
            assert wait_for_result(orthanc, whole["ID"])["Status"] == "Success"

            lost, kept = (str(image.SOPInstanceUID) for image in images)
            (name,) = kiosk.rows(f"SELECT spool_name FROM instances WHERE sop_instance_uid = '{lost}'")[0]
            (kiosk.spool_dir / name).unlink()
            half = ask(orthanc, "/modalities/box/storage-commitment", {"Resources": ids})
            result = wait_for_result(orthanc, half["ID"])
            assert result["Status"] == "Failure"
            assert [one["SOPInstanceUID"] for one in result["Success"]] == [kept]
            (failure,) = result["Failures"]
            assert failure["SOPInstanceUID"] == lost
            assert failure["Description"].startswith("A general failure in processing"), "Failure Reason 0x0110"
            wait_until(
                lambda: kiosk.status()["commitments"] == {"waiting": 0, "given_up": 0, "reported": 2},
                "it in the status",
            )


def wait_for_result(server: Orthanc, transaction: str) -> Any:
    def result() -> Any:
        found = ask(server, f"/storage-commitment/{transaction}")
        return found if found["Status"] != "Pending" else None

    return wait_until(result, "the result", deadline_seconds=SECONDS, poll_seconds=0.3)


def test_a_kill_between_question_and_report_loses_neither(tmp_path: Path) -> None:
    port = free_port()
    with Kiosk(tmp_path, dicom=called_back("FILMROOM", port)) as kiosk, Modality() as modality:
        stored = store_images(kiosk.port, modality, *new_images(2))
        association = modality.associate(kiosk.port)
        unknown = (SecondaryCaptureImageStorage, "2.25.40400")
        many = [(SecondaryCaptureImageStorage, f"2.25.{number}") for number in range(1, 9_000)]
        assert modality.ask(association, [*stored, *many, unknown])[0] == 0x0000
        kiosk.kill()
        association.abort()
        modality.listen(port)
        kiosk.start()
        wait_until(lambda: modality.told, "the report", deadline_seconds=SECONDS)
        wait_until(lambda: kiosk.status()["commitments"]["reported"] == 1, "it to be noted", deadline_seconds=SECONDS)
        assert modality.told[-1].kept == tuple(stored)
        assert len(modality.told[-1].failed) == 9_000


def test_who_is_in_no_setting_is_told_over_its_association_and_else_named_in_the_status(tmp_path: Path) -> None:
    with Kiosk(tmp_path) as kiosk, Modality() as modality:
        stored = store_images(kiosk.port, modality, *new_images(1))
        association = modality.associate(kiosk.port)
        assert modality.ask(association, stored)[0] == 0x0000
        wait_until(lambda: modality.told, "the report", deadline_seconds=SECONDS)
        modality.answer = 0x0110  # it does not take the next one
        assert modality.ask(association, stored)[0] == 0x0000
        wait_until(lambda: len(modality.told) == 2, "the report", deadline_seconds=SECONDS)
        found = wait_until(
            lambda: [one for one in kiosk.status()["attention"] if "FILMROOM" in one["what"]], "a line of attention"
        )
        association.release()
        assert len(found) == 1
        assert "[[dicom.modality]]" in found[0]["remedy"]
        printed = kiosk.command("status").stdout
        assert "Storage commitment" in printed
