"""A box that sends to several servers, while a person adds one and takes one out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import dcmtk
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.ports import free_port
from support.waiting import wait_until


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Orthanc, Orthanc]]:
    """Two servers that run."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path / "one") as one, Orthanc(tmp_path / "other") as other:
        yield one, other


def test_each_server_gets_what_is_its_own_one_that_comes_later_what_it_asks_for_and_one_that_goes_nothing(
    tmp_path: Path, servers: tuple[Orthanc, Orthanc]
) -> None:
    district, other = servers
    images = write_instances(chest_radiograph(), tmp_path / "exam", 2)
    hearts = {"name": "hearts", "url": other.dicomweb_url, "modalities": ["US", "XA"]}
    dead = {"name": "dead", "url": f"http://127.0.0.1:{free_port()}/dicom-web", "send": ["original", "report_pdf"]}
    kiosk = Kiosk(tmp_path / "kiosk", district={"url": district.dicomweb_url}, destination=[hearts, dead])
    with kiosk:
        dcmtk.store(kiosk.port, [image.path for image in images])
        kiosk.wait_until_read(2)
        kiosk.wait_until_quiet()

        def of(name: str) -> dict[str, int]:
            destinations = kiosk.status()["outbox"]["destinations"]
            counts: dict[str, int] = next(one["deliveries"] for one in destinations if one["name"] == name)
            return counts

        wait_until(lambda: of("district")["waiting"] == 0, "the district has everything")
        at_district = set(district.held())
        assert {image.sop_instance_uid for image in images} < at_district, "the films and the results"
        assert set(other.held()) == set(), "none of its images is of a heart"
        assert of("dead")["waiting"] >= 3
        kiosk.stop()

    later = {"name": "later", "url": other.dicomweb_url, "since": "2020-01-01"}
    kiosk.configure(district={"url": district.dicomweb_url}, destination=[hearts, later])
    with kiosk:
        wait_until(lambda: of("later")["waiting"] == 0 < of("later")["confirmed"], "the new one has what it asks for")
        at_other = set(other.held())
        assert {image.sop_instance_uid for image in images} < at_other <= at_district, "the very same objects"
        current = kiosk.rows("SELECT sop_instance_uid FROM deliveries WHERE kind = 'report_pdf' ORDER BY sequence DESC")
        assert current[0][0] in at_other, "of the results, those of the last report"
        [gone] = [found["what"] for found in kiosk.status()["attention"] if "no destination dead" in found["what"]]
        assert "wait for it and are not sent" in gone
        dismissed = kiosk.command_json("dismiss", "--destination", "dead")["dismissed"]
        assert dismissed >= 3
        assert not [found for found in kiosk.status()["attention"] if "dead" in found["what"]]
        assert set(district.held()) == at_district, "and the district nothing new"
