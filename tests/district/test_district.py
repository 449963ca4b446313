"""A district's server as `config/district/set-up` makes it: who is let in and to what, what is filed under whose name,
how an answer gets back, what a kill does, and how one goes back to a backup.

One machine is set up for all these tests; nothing of it outlives them. `tests/district/run` is the large form.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from district.parcels import make_parcels
from district.table import Row
from district.trial import KILL_ONE, RESTART_POSTGRESQL, TWO, Trial
from leapfrog.district_key import DistrictPublicKey
from leapfrog.state.station.station_key import StationKey, station_key
from leapfrog.stick.layout import PartName, Stick
from support.certificates import make_certificate
from support.district import READERS_PORT, District, why_no_district
from support.made_up_fleet import key_of, signed, well
from support.owed import part10_bytes, secondary_capture
from support.sticks import WritingBox
from support.waiting import wait_until

pytestmark = pytest.mark.root

BOXES = "https://127.0.0.1"
READERS = f"https://127.0.0.1:{READERS_PORT}"
PASSWORD = "reader:read well"
DATA = "/var/lib/leapfrog-district"
BACKUP = "/var/backups/leapfrog-district"
STUDY = "1.2.826.0.1.3680043.10.1.5"


@dataclass(frozen=True)
class SetUp:
    district: District
    said: str
    kitui: Path
    mwingi: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    if reason := why_no_district():
        pytest.skip(reason)
    with District(tmp_path_factory.mktemp("district")) as district:
        district.install_leapfrog()
        said = district.set_up()
        district.admit_reader(PASSWORD)
        kitui = district.issue("kitui", "--issuer", "KITUI")
        yield SetUp(district, said, kitui, district.issue("mwingi"))


@pytest.fixture
def district(made: SetUp) -> District:
    return made.district


def store(district: District, box: Path, *datasets: Dataset, options: Sequence[str] = ()) -> tuple[int, str]:
    """STOW-RS, as a box does it: one object, or several small ones together."""
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(head + part10_bytes(dataset) + b"\r\n" for dataset in datasets)
    district.path("/tmp/body").write_bytes(body + f"--{boundary}--\r\n".encode())
    kind = f'Content-Type: multipart/related; type="application/dicom"; boundary={boundary}'
    return district.curl("-H", kind, "--data-binary", "@/tmp/body", *options, f"{BOXES}/dicom-web/studies", box=box)


def ask(district: District, box: Path, path: str, *options: str) -> int:
    return district.curl("--path-as-is", *options, BOXES + path, box=box)[0]


def patient_of(district: District, study: str) -> dict[str, str]:
    """What the second Orthanc calls the patient of a study: it shares all with the first."""
    (found,) = [
        one["PatientMainDicomTags"]
        for one in district.ask_orthanc(2, "/studies?expand")
        if one["MainDicomTags"]["StudyInstanceUID"] == study
    ]
    tags: dict[str, str] = found
    return tags


def test_after_set_up_all_is_well_and_set_up_may_be_run_again(made: SetUp) -> None:
    assert "PROBLEM" not in made.said
    assert made.district.run("systemctl", "is-enabled", "orthanc.service").stdout.strip() == "disabled"
    assert "PROBLEM" not in made.district.do("district-check", "--digests")  # nor before the first image
    before = made.district.path("/etc/leapfrog-district/tls/server.pem").read_bytes()
    said = made.district.set_up()
    assert "PROBLEM" not in said
    assert "Radiologists read as" not in said  # the password that was given stays
    assert made.district.path("/etc/leapfrog-district/tls/server.pem").read_bytes() == before


def test_number_17_of_two_clinics_is_two_patients(made: SetUp) -> None:
    one, other = (
        secondary_capture(PatientID="17", PatientName=name, StudyInstanceUID=f"{STUDY}.{number}")
        for number, name in enumerate(("Achieng^Mary", "Mutua^John"))
    )
    assert store(made.district, made.kitui, one)[0] == 200
    # Whatever a box says it is, its certificate counts.
    assert store(made.district, made.mwingi, other, options=("-H", "X-Leapfrog-Box: kitui"))[0] == 200
    assert patient_of(made.district, f"{STUDY}.0")["PatientID"] == "KITUI-17"
    assert patient_of(made.district, f"{STUDY}.1")["PatientID"] == "mwingi-17"
    assert patient_of(made.district, f"{STUDY}.1")["PatientName"] == "Mutua^John"


def test_exams_without_a_number_are_not_one_patient(made: SetUp) -> None:
    studies = (f"{STUDY}.20", f"{STUDY}.21")
    for study in studies:
        assert store(made.district, made.kitui, secondary_capture(PatientID="", StudyInstanceUID=study))[0] == 200
    assert len({patient_of(made.district, study)["PatientID"] for study in studies}) == 2


def test_each_of_several_objects_in_one_request_is_filed_under_the_clinics_name(made: SetUp) -> None:
    studies = (f"{STUDY}.30", f"{STUDY}.31", f"{STUDY}.32")
    together = [secondary_capture(PatientID=study[-2:], StudyInstanceUID=study) for study in studies]
    assert store(made.district, made.kitui, *together)[0] == 200
    assert [patient_of(made.district, study)["PatientID"] for study in studies] == ["KITUI-30", "KITUI-31", "KITUI-32"]


def test_what_stood_there_before_is_kept(made: SetUp) -> None:
    dataset = secondary_capture(PatientID="18")
    store(made.district, made.kitui, dataset)
    (instance,) = [
        one["ID"]
        for one in made.district.ask_orthanc(1, "/instances?expand")
        if one["MainDicomTags"]["SOPInstanceUID"] == dataset.SOPInstanceUID
    ]
    tags = made.district.ask_orthanc(1, f"/instances/{instance}/tags?short")
    assert tags["0010,0021"] == "KITUI"
    assert tags["0400,0561"][0]["0400,0550"] == [{"0010,0020": "18"}]


@pytest.mark.parametrize(
    "path",
    [
        "/dicom-web/instances",
        "/dicom-web/instances?limit=1",
        "/dicom-web/instances?SOPInstanceUID=",
        "/dicom-web/instances?SOPInstanceUID=*",
        "/dicom-web/instances?SOPInstanceUID=%2A",
        "/dicom-web/instances?SOPInstanceUID=1.2&SOPInstanceUID=1.*",
        "/dicom-web/studies?PatientName=A*",
        "/dicom-web/studies?PatientName=A*&StudyInstanceUID=1.2",
        "/dicom-web/studies",
        "/patients",
        "/dicom-web/../patients",
        "/dicom-web/studies/1.2/../../../patients",
        "/app/explorer.html",
    ],
)
def test_a_box_that_was_stolen_cannot_list_what_others_sent(made: SetUp, path: str) -> None:
    assert ask(made.district, made.kitui, path) == 403


def test_a_box_can_ask_for_what_it_knows_and_remove_nothing(made: SetUp) -> None:
    dataset = secondary_capture()
    store(made.district, made.kitui, dataset)
    study = f"/dicom-web/studies/{dataset.StudyInstanceUID}"
    for path in (
        f"/dicom-web/instances?SOPInstanceUID={dataset.SOPInstanceUID}&limit=1",
        f"/dicom-web/studies?StudyInstanceUID={dataset.StudyInstanceUID},1.2&limit=80",
        f"{study}/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.88.11,1.2",
        f"{study}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}/metadata",
    ):
        assert ask(made.district, made.kitui, path) == 200, path
    for method in ("DELETE", "PUT"):
        assert ask(made.district, made.kitui, study, "-X", method) == 403


def test_a_stranger_is_told_that_it_is_the_certificate(district: District, tmp_path: Path) -> None:
    foreign = make_certificate(tmp_path, "kitui")
    inside = Path("/tmp/foreign")
    district.do("mkdir", str(inside))
    for name, file in (("client.pem", foreign.certificate), ("client.key", foreign.key)):
        district.path(f"{inside}/{name}").write_bytes(file.read_bytes())
    server = Path("/tmp/server")  # the district's own certificate is no box's
    district.do("sh", "-c", f"mkdir {server}; cd /etc/leapfrog-district/tls; cp server.pem {server}/client.pem;"
                f" cp server.key {server}/client.key")  # fmt: skip
    for box in (None, inside, server):
        status, said = district.curl(f"{BOXES}/dicom-web/studies/1.2/series", box=box)
        assert (status, said.strip()) == (403, "The district does not know this certificate."), box


def test_a_stolen_box_is_let_in_no_more_and_others_are(made: SetUp) -> None:
    made.district.issue("stolen")
    kept = Path("/tmp/kept-by-the-thief")
    made.district.do("cp", "-r", "/etc/leapfrog-district/authority/issued/stolen", str(kept))
    known = "/dicom-web/studies/1.2/series"
    assert ask(made.district, kept, known) == 200
    made.district.do("district-authority", "revoke", "stolen")
    wait_until(lambda: ask(made.district, kept, known) == 403, "nginx has the new list")
    assert ask(made.district, made.kitui, known) == 200


def test_a_box_leaves_its_own_state_and_no_other(made: SetUp) -> None:
    made.district.path("/tmp/state.json").write_text('{"box": "kitui"}')
    put = ("-T", "/tmp/state.json")
    assert ask(made.district, made.kitui, "/boxes/kitui.json", *put) in (201, 204)
    for path in ("/boxes/mwingi.json", "/boxes/../boxes/mwingi.json", "/boxes/new/kitui.json", "/boxes/kitui.json/"):
        assert ask(made.district, made.kitui, path, *put) in (403, 409), path
    assert ask(made.district, made.kitui, "/boxes/kitui.json") == 403  # nor does it read
    boxes = made.district.path("/var/lib/leapfrog-district/boxes")
    assert {file.name: file.read_text() for file in boxes.iterdir()} == {"kitui.json": '{"box": "kitui"}'}


def test_radiologists_read_with_a_password_and_remove_nothing(made: SetUp) -> None:
    dataset = secondary_capture()
    store(made.district, made.kitui, dataset)
    assert made.district.curl(f"{READERS}/app/explorer.html")[0] == 401
    login = ("--user", PASSWORD)
    for path in ("/app/explorer.html", "/web-viewer/app/viewer.html", "/studies", "/dicom-web/studies?limit=1"):
        assert made.district.curl(*login, READERS + path)[0] == 200, path
    query = '{"Level": "Study", "Query": {"PatientID": "*"}}'
    assert made.district.curl(*login, "-d", query, f"{READERS}/tools/find")[0] == 200
    for method, path in (("DELETE", "/studies/x"), ("POST", "/tools/reset"), ("POST", "/tools/shutdown")):
        assert made.district.curl(*login, "-X", method, READERS + path)[0] == 403, path


def test_an_answer_gets_back_to_the_box(made: SetUp) -> None:
    """It finds the document in the study that it sent, and fetches it."""
    dataset = secondary_capture()
    store(made.district, made.kitui, dataset)
    made.district.path("/tmp/answer.pdf").write_bytes(b"%PDF-1.7\n% no pneumothorax\n")
    made.district.do(
        str(Path(__file__).resolve().parents[2] / "config/district/answer"),
        "--study", dataset.StudyInstanceUID, "--by", "Odhiambo^Jane", "--to", READERS,
        "--ca", "/etc/leapfrog-district/tls/authority.pem", "--user", PASSWORD, "/tmp/answer.pdf",
    )  # fmt: skip
    study = f"{BOXES}/dicom-web/studies/{dataset.StudyInstanceUID}"
    _, listing = made.district.curl(f"{study}/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.104.1", box=made.kitui)
    (document,) = json.loads(listing)
    series, instance = (document[tag]["Value"][0] for tag in ("0020000E", "00080018"))
    accept = 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*'
    made.district.curl(
        "-H", accept, "-o", "/tmp/answer", f"{study}/series/{series}/instances/{instance}", box=made.kitui
    )
    fetched = made.district.path("/tmp/answer").read_bytes()
    assert b"% no pneumothorax" in fetched
    assert b"Odhiambo^Jane" in fetched
    assert b"KITUI-P1" in fetched  # whose answer it is, in a way that the box knows


def registered_box(district: District, name: str) -> WritingBox:
    """A box whose stick this district receives."""
    key = station_key(district.directory / f"state-of-{name}")
    district.path("/tmp/station.pem").write_text(key.public_pem)
    district.do("sh", "-c", f"district-authority station {name} --replace < /tmp/station.pem")
    line = district.path("/etc/leapfrog-district/district.pub").read_text()
    return WritingBox(key, DistrictPublicKey.parse(line).recipient)


def test_a_stick_is_received_as_if_it_had_come_by_link(made: SetUp) -> None:
    """Filed under the clinic's name, there once although some came by link before, and with its receipt. An Orthanc
    that is gone is no hindrance.
    """
    box = registered_box(made.district, "kitui")
    images = [secondary_capture(PatientID="19"), secondary_capture(PatientID=None), secondary_capture(PatientID="19")]
    root = made.district.path("/tmp/stick")
    root.mkdir()
    manifest = box.write(Stick(root), images)
    assert store(made.district, made.kitui, *images[:2])[0] == 200
    made.district.do("systemctl", "stop", "leapfrog-orthanc@1")
    try:
        said = json.loads(made.district.do("leapfrog", "receive", "/tmp/stick", "--json"))
    finally:
        made.district.do("systemctl", "start", "leapfrog-orthanc@1")
    assert (said["boxes"]["kitui"]["confirmed"], said["boxes"]["kitui"]["were_there"]) == (3, 2)
    held = made.district.held(2)
    assert [held[str(image.SOPInstanceUID)] for image in images] == [1, 1, 1]
    assert patient_of(made.district, str(images[2].StudyInstanceUID))["PatientID"] == "KITUI-19"
    name = PartName(manifest.export_id, 1).receipt
    for receipts in ("/tmp/stick/leapfrog/receipts", "/var/lib/leapfrog-district/receipts/kitui"):
        assert made.district.path(f"{receipts}/{name}").exists()
    assert Stick(root).parts() == []
    wait_until(lambda: made.district.run("district-check").returncode == 0, "all is well again")


def test_a_key_for_sticks_that_is_gone_is_named_and_comes_back_from_the_backup(made: SetUp) -> None:
    made.district.do("district-backup", "now")
    line = made.district.do("leapfrog", "receive", "--public-key")
    key = "/etc/leapfrog-district/district.key"
    made.district.do("rm", key)
    made.district.do("district-backup", "now")  # which does not remove it there, too
    check = made.district.run("district-check")
    assert (check.returncode, "key for sticks is not there" in check.stdout) == (1, True)
    assert "PROBLEM" not in made.district.set_up()
    assert made.district.do("leapfrog", "receive", "--public-key") == line
    made.district.do("sh", "-c", f"cp -p {key} /tmp/the-key && rm {key} && leapfrog receive --public-key")
    refused = made.district.run("district-backup", "now")
    assert (refused.returncode, "is another key than" in refused.stderr) == (1, True)
    made.district.do("cp", "-p", "/tmp/the-key", key)


def test_nothing_is_lost_or_twice_when_an_orthanc_is_killed_and_postgresql_restarted(
    district: District, shared_data: Path, tmp_path: Path
) -> None:
    trial = Trial(district, 4, make_parcels(tmp_path, shared_data))
    night = trial.spend(TWO, (KILL_ONE, RESTART_POSTGRESQL), 6, 3, lambda said: None)
    assert [name for _, name in night.faults] == [KILL_ONE.name, RESTART_POSTGRESQL.name]
    assert Row(night).broken_promises == ()
    wait_until(lambda: district.run("district-check", "--digests").returncode == 0, "all is well again")


def test_postgresql_and_nginx_that_are_killed_start_again_by_themselves(made: SetUp) -> None:
    made.district.do("systemctl", "kill", "-s", "KILL", "nginx", "postgresql@*-district.service")
    assert made.district.run("district-check").returncode == 1
    wait_until(lambda: made.district.run("district-check").returncode == 0, "all is well again", deadline_seconds=30)
    assert store(made.district, made.kitui, secondary_capture())[0] == 200


def test_one_goes_back_to_a_mark_and_has_all_that_was_there_then(made: SetUp) -> None:
    before, after = secondary_capture(), secondary_capture()
    store(made.district, made.kitui, before)
    made.district.do("district-backup", "now")
    (*_, mark) = made.district.do("district-backup", "list").split()
    store(made.district, made.kitui, after)
    # What a fire would take: the images' disk. PostgreSQL's own files are put aside anyway.
    storage = "/var/lib/leapfrog-district/storage"
    made.district.do("sh", "-c", f"rm -r {storage}/*")
    assert made.district.run("district-check", "--deep").returncode == 1
    made.district.do("district-backup", "restore", mark)
    wait_until(lambda: made.district.run("district-check", "--digests").returncode == 0, "all is well again")
    held = made.district.held(2)
    assert before.SOPInstanceUID in held
    assert after.SOPInstanceUID not in held
    assert store(made.district, made.kitui, after)[0] == 200  # and all goes on


def test_a_new_machine_with_the_backup_takes_the_place_of_one_that_is_gone(made: SetUp) -> None:
    dataset = secondary_capture()
    store(made.district, made.kitui, dataset)
    made.district.path("/tmp/station.pem").write_text(StationKey(key_of("kitui")).public_pem)
    made.district.do("sh", "-c", "district-authority station kitui --replace < /tmp/station.pem")
    line = made.district.do("leapfrog", "receive", "--public-key")
    kept = {
        "/etc/leapfrog-district/stations/kitui.pem": "",
        "/etc/leapfrog-district/issuers": "",
        f"{DATA}/receipts/kitui/one.json": "a receipt",
        f"{DATA}/boxes/kitui.json": signed("kitui", well("kitui", datetime.now(UTC))).decode(),
        f"{DATA}/bundles/current.zip": "settings and models",
    }
    for name, content in kept.items():
        made.district.path(name).parent.mkdir(parents=True, exist_ok=True)
        kept[name] = content or made.district.path(name).read_text()
        made.district.path(name).write_text(kept[name])
    made.district.do("systemctl", "start", "leapfrog-district-fleet")
    seen = made.district.path(f"{DATA}/fleet/seen.json").read_text()
    made.district.do("district-backup", "now")
    made.district.do("cp", "-r", str(made.kitui), "/tmp/box")
    made.district.do("systemctl", "stop", "leapfrog-orthanc@1", "leapfrog-orthanc@2", "nginx", "postgresql@*-district")
    gone = (
        "/etc/leapfrog-district /var/lib/leapfrog-district /etc/postgresql/*/district /var/lib/postgresql/*/district*"
    )
    made.district.do("sh", "-c", f"rm -r {gone}")
    # On the machine that is gone, these users had other numbers.
    made.district.do("sh", "-c", f"cd {BACKUP} && chown -R 4242:4242 postgresql storage && chown -R 4243:4243 fleet")
    assert "PROBLEM" not in made.district.set_up()
    assert {name: made.district.path(name).read_text() for name in kept} == kept
    assert made.district.path(f"{DATA}/fleet/seen.json").read_text() == seen
    assert made.district.do("leapfrog", "receive", "--public-key") == line
    image = f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
    assert ask(made.district, Path("/tmp/box"), f"/dicom-web{image}", "-o", "/dev/null") == 200  # Orthanc can read it
    known = f"/dicom-web/instances?SOPInstanceUID={dataset.SOPInstanceUID}"
    assert ask(made.district, Path("/tmp/box"), known) == 200  # with the certificate that it had
    assert made.district.held()[dataset.SOPInstanceUID] == 1
    assert "can be restored" in made.district.do("district-backup", "try")
