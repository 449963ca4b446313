"""`leapfrog receive`: what a stick brings is at the server once, and a receipt confirms what is there and nothing else.

The server is a real Orthanc.
"""

import errno
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless
from typer.testing import CliRunner

from leapfrog.cli.command_line import app
from leapfrog.commands.receive import server
from leapfrog.commands.receive.command import Places, receive
from leapfrog.commands.receive.received import Received
from leapfrog.district_key import district_key
from leapfrog.errors import StickError, StorageError, UsageError
from leapfrog.stick.layout import PartName, Stick
from leapfrog.stick.parcel import Manifest
from leapfrog.stick.receipt import Receipt, read_receipt
from support.orthanc import Orthanc, orthanc_program
from support.owed import part10_bytes, secondary_capture
from support.recording_proxy import Answer, CutAnswer, RecordingProxy
from support.sticks import DistrictFolders, WritingBox

pytestmark = pytest.mark.skipif(orthanc_program() is None, reason="Orthanc with its DICOMweb plug-in is not installed")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    running = Orthanc(tmp_path_factory.mktemp("orthanc")).start()
    yield running
    running.kill()


class District(DistrictFolders):
    def __init__(self, directory: Path, orthanc: Orthanc) -> None:
        super().__init__(directory)
        self.orthanc = orthanc
        self.places = Places(self.key_file, self.stations, self.receipts, self.boxes)
        self.root = directory / "stick"
        self.root.mkdir()
        self.stick = Stick(self.root)

    def receive(self, *roots: str) -> Received:
        return receive(self.root, roots or (self.orthanc.dicomweb_url,), self.places, None)

    def receipt(self, manifest: Manifest) -> Receipt:
        name = PartName(manifest.export_id, manifest.part).receipt
        return read_receipt((self.stick.folder("receipts") / name).read_bytes(), self.key.public)

    def parcel(self, manifest: Manifest) -> Path:
        return self.stick.folder("parcels") / PartName(manifest.export_id, manifest.part).volume(1)

    def held_of(self, *datasets: Dataset) -> list[int]:
        held = self.orthanc.held()
        return [held[str(one.SOPInstanceUID)] for one in datasets]


@pytest.fixture
def district(tmp_path: Path, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> District:
    monkeypatch.setattr(server, "PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(server, "LISTING_PAUSES_SECONDS", ())
    return District(tmp_path, orthanc)


@pytest.fixture
def kitui(district: District) -> WritingBox:
    return district.box("kitui")


def confirmed(receipt: Receipt) -> set[str]:
    return {one.delivery_id for one in receipt.confirmed}


def test_what_a_stick_brings_is_at_the_server_and_its_receipt_says_so(district: District, kitui: WritingBox) -> None:
    images = [secondary_capture() for _ in range(3)]
    first = kitui.write(district.stick, images[:2])
    second = kitui.write(district.stick, images[2:], export_id=first.export_id, part=2)
    received = district.receive()
    assert received.all_taken
    assert district.held_of(*images) == [1, 1, 1]
    for uid, content in kitui.written.items():
        assert district.orthanc.file(uid) == content
    for manifest in (first, second):
        receipt = district.receipt(manifest)
        assert receipt.station_key == kitui.key.public_key.hex()
        assert {(one.delivery_id, one.sha256) for one in receipt.confirmed} == {
            (one.delivery_id, one.sha256) for one in manifest.objects
        }
        kept = district.receipts / "kitui" / PartName(manifest.export_id, manifest.part).receipt
        assert read_receipt(kept.read_bytes(), district.key.public) == receipt
    assert received.removed == 2
    assert district.stick.parts() == [], "a full stick frees itself"
    assert next(iter(received.lines())).startswith("kitui: 3 objects (0.0 MB) at the server and confirmed.")


def test_a_part_in_several_files_is_taken_and_removed_as_one(district: District, kitui: WritingBox) -> None:
    """As on a stick whose file system takes no large files."""
    image = secondary_capture(500_000)
    manifest = kitui.write(Stick(district.root, largest_file_bytes=100_000), [image])
    files = sorted(district.stick.folder("parcels").iterdir())
    assert len(files) == 6
    third = district.parcel(manifest).with_name(PartName(manifest.export_id, 1).volume(3))
    whole = third.read_bytes()
    third.unlink()
    assert "not whole" in named(district.receive())
    third.write_bytes(whole)
    assert district.receive().all_taken
    assert district.held_of(image) == [1]
    assert list(district.stick.folder("parcels").iterdir()) == []


def test_nothing_of_a_patient_is_left_behind(district: District, kitui: WritingBox) -> None:
    kitui.write(district.stick, [secondary_capture(6_000_000)])
    assert district.receive().all_taken
    left = [path for path in district.receipts.rglob("*") if path.is_file()]
    assert [path.suffix for path in left] == [".json"]
    text = left[0].read_text()
    assert "Secret" not in text
    assert not any(uid in text for uid in kitui.written)


def test_the_same_parcel_again_gives_its_receipt_again_and_nothing_is_there_twice(
    district: District, kitui: WritingBox, tmp_path: Path
) -> None:
    images = [secondary_capture(), secondary_capture(PatientID=None)]
    manifest = kitui.write(district.stick, images)
    shutil.copytree(district.root, tmp_path / "copied")
    assert district.receive().all_taken
    first = district.receipt(manifest)
    shutil.rmtree(district.root)
    shutil.copytree(tmp_path / "copied", district.root)
    shutil.rmtree(district.receipts)
    again = district.receive()
    assert again.all_taken
    assert again.boxes["kitui"].were_there == 2
    assert confirmed(district.receipt(manifest)) == confirmed(first)
    assert district.held_of(*images) == [1, 1]


def test_the_server_is_told_which_box_it_was(district: District, orthanc: Orthanc) -> None:
    """So that config/district/box_issuer.py files patients under the clinic's name, as by link."""
    for name in ("kitui", "mwingi-2"):
        district.box(name).write(district.stick, [secondary_capture()])
    with RecordingProxy(orthanc.dicomweb_url) as proxy:
        assert district.receive(proxy.url).all_taken
    boxes = {exchange.headers["X-Leapfrog-Box"] for exchange in proxy.exchanges}
    assert boxes == {"kitui", "mwingi-2"}


def test_what_came_by_link_in_another_encoding_is_the_same_image(district: District, kitui: WritingBox) -> None:
    """A link may have had the original as it came, and a stick has the smaller copy of it."""
    image = secondary_capture(100_000)
    district.orthanc.add(part10_bytes(image))
    copy = dcmread(io.BytesIO(part10_bytes(image)))
    copy.compress(JPEGLSLossless, generate_instance_uid=False)
    manifest = kitui.write(district.stick, [copy], contents=[file_bytes(copy)])
    received = district.receive()
    assert received.all_taken
    assert received.boxes["kitui"].were_there == 1
    assert len(district.receipt(manifest).confirmed) == 1
    other = dcmread(io.BytesIO(part10_bytes(secondary_capture(100_000, PixelData=b"\7" * 100_000))))
    for uid in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(other, uid, getattr(image, uid))
    other.compress(JPEGLSLossless, generate_instance_uid=False)
    kitui.write(district.stick, [other], contents=[file_bytes(other)])
    assert "already held" in "".join(district.receive().boxes["kitui"].refused)


def file_bytes(dataset: Dataset) -> bytes:
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


def test_other_content_under_a_uid_is_refused_in_words_and_the_part_stays(
    district: District, kitui: WritingBox
) -> None:
    taken = secondary_capture(PatientName="Other^Patient", PixelData=b"\1" * 1000)
    mine = secondary_capture(
        SOPInstanceUID=taken.SOPInstanceUID,
        StudyInstanceUID=taken.StudyInstanceUID,
        SeriesInstanceUID=taken.SeriesInstanceUID,
    )
    beside = secondary_capture()
    district.orthanc.add(part10_bytes(taken))
    manifest = kitui.write(district.stick, [mine, beside])
    received = district.receive()
    assert not received.all_taken
    receipt = district.receipt(manifest)
    assert confirmed(receipt) == {manifest.objects[1].delivery_id}
    (refused,) = receipt.refused
    assert refused.delivery_id == manifest.objects[0].delivery_id
    assert "already held another image" in refused.reason
    assert district.parcel(manifest).exists()
    assert "Other" not in json.dumps(received.as_json())


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"sop_instance_uid": "1.2.3.4"}, "no DICOM file with the identifier"),
        ({"sop_instance_uid": "*"}, "no DICOM file with the identifier"),
        ({"sop_instance_uid": ""}, "no DICOM file with the identifier"),
    ],
)
def test_what_is_not_the_object_that_was_announced_is_refused(
    district: District, kitui: WritingBox, entries: dict[str, Any], reason: str
) -> None:
    image = secondary_capture()
    manifest = kitui.write(district.stick, [image], entries=entries)
    assert not district.receive().all_taken
    assert district.held_of(image) == [0]
    assert reason in district.receipt(manifest).refused[0].reason


# ------------------------------------------------------------------------------------------------ lies


def named(received: Received) -> str:
    assert not received.all_taken
    return "\n".join(received.problems)


def test_a_box_that_is_not_known_is_named_and_gets_no_receipt(district: District, kitui: WritingBox) -> None:
    strange = secondary_capture()
    manifest = district.box("gulu", known=False).write(district.stick, [strange])
    kitui.write(district.stick, [secondary_capture()])
    received = district.receive()
    assert "district-authority station" in named(received)
    assert district.held_of(strange) == [0]
    assert district.parcel(manifest).exists()
    assert received.receipts_on_stick == 1, "the other part is taken all the same"


def test_a_box_that_signs_in_the_name_of_another_is_not_believed(district: District, kitui: WritingBox) -> None:
    image = secondary_capture()
    mwingi = district.box("mwingi")
    kitui.write(district.stick, [image], sign=mwingi.key.sign)
    assert "Its signature is not that of the box" in named(district.receive())
    assert district.held_of(image) == [0]


def test_another_districts_stick_is_named(district: District, kitui: WritingBox, tmp_path: Path) -> None:
    other = district_key(tmp_path / "other.key").public.recipient
    WritingBox(kitui.key, other).write(district.stick, [secondary_capture()])
    assert "encrypted to another district" in named(district.receive())


def test_a_part_for_another_district_that_somebody_encrypted_anew_is_named(
    district: District, kitui: WritingBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its manifest still tells for whom it was."""
    import pyrage

    other = district_key(tmp_path / "other.key").public.recipient
    encrypt = pyrage.encrypt_io
    ours = pyrage.x25519.Recipient.from_str(district.key.public.recipient)
    monkeypatch.setattr(pyrage, "encrypt_io", lambda source, file, _: encrypt(source, file, [ours]))
    WritingBox(kitui.key, other).write(district.stick, [secondary_capture()])
    assert "for another district than this one" in named(district.receive())


def test_no_byte_of_a_part_can_be_changed_or_missing(district: District, kitui: WritingBox) -> None:
    image = secondary_capture()
    manifest = kitui.write(district.stick, [image])
    parcel = district.parcel(manifest)
    whole = parcel.read_bytes()
    for place in (0, 30, 120, 250, 400, len(whole) // 2, len(whole) - 1):
        parcel.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert parcel.name in named(district.receive())
    for length in (0, 1, 22, 200, 500, len(whole) - 1):
        parcel.write_bytes(whole[:length])
        assert parcel.name in named(district.receive())
    assert not district.stick.folder("receipts").exists()
    assert district.held_of(image) == [0]
    parcel.write_bytes(whole)
    assert district.receive().all_taken


def test_what_came_whole_before_a_part_breaks_off_is_confirmed(district: District, kitui: WritingBox) -> None:
    images = [secondary_capture(200_000), secondary_capture(200_000)]
    manifest = kitui.write(district.stick, images)
    parcel = district.parcel(manifest)
    whole = parcel.read_bytes()
    parcel.write_bytes(whole[:300_000])
    assert "not whole" in named(district.receive())
    assert confirmed(district.receipt(manifest)) == {manifest.objects[0].delivery_id}
    assert parcel.exists()
    parcel.write_bytes(whole)
    assert district.receive().all_taken
    assert len(district.receipt(manifest).confirmed) == 2


def test_a_receipt_confirms_no_less_than_the_one_before(district: District, kitui: WritingBox) -> None:
    images = [secondary_capture(200_000), secondary_capture(200_000)]
    manifest = kitui.write(district.stick, images)
    parcel = district.parcel(manifest)
    whole = parcel.read_bytes()
    (district.root / "leapfrog" / "receipts").write_text("in the way: receipts are kept at the district alone")
    assert district.receive().receipts_missing == 1
    parcel.write_bytes(whole[:300_000])
    (district.root / "leapfrog" / "receipts").unlink()
    district.receive()
    assert len(district.receipt(manifest).confirmed) == 2


def test_a_part_under_the_name_of_another_is_named(district: District, kitui: WritingBox) -> None:
    manifest = kitui.write(district.stick, [secondary_capture()])
    parcel = district.parcel(manifest)
    parcel.rename(parcel.with_name(PartName(manifest.export_id, 7).volume(1)))
    assert f"rename it to {parcel.name}" in named(district.receive())


@pytest.mark.timeout(60)
def test_whatever_else_lies_on_a_stick_stops_nothing(district: District, kitui: WritingBox, tmp_path: Path) -> None:
    image = secondary_capture()
    kitui.write(district.stick, [image])
    folder = district.stick.folder("parcels")
    bad = [PartName(f"{number:032x}", 1).volume(1) for number in range(6)]
    os.mkfifo(folder / bad[0])
    (folder / bad[1]).symlink_to("/dev/zero")
    (folder / bad[2]).mkdir()
    with (folder / bad[3]).open("wb") as sparse:
        sparse.truncate(400 * 10**9)
    (folder / bad[4]).write_bytes(b"age-encryption.org/v1\n" + b"-> X25519 AAAA\n" * 100_000)
    (folder / bad[5]).symlink_to(tmp_path / "nowhere")
    for name in ("holiday.jpg", "\x1b[2J\u202e.age", "a\nb", "ABCDEF-1.AGE", "-rf"):
        (folder / name).write_text("")
    received = district.receive()
    said = named(received)
    assert district.held_of(image) == [1]
    assert all(name in said for name in bad)
    assert len(received.strangers) == 5
    shown = "\n".join(received.lines())
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_links_lead_nowhere(district: District, kitui: WritingBox, tmp_path: Path) -> None:
    """As on a stick with a file system that has them, made to have root write elsewhere."""
    manifest = kitui.write(district.stick, [secondary_capture()])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (district.root / "leapfrog" / "receipts").symlink_to(elsewhere)
    received = district.receive()
    assert (received.receipts_missing, list(elsewhere.iterdir())) == (1, [])
    (district.root / "leapfrog" / "receipts").unlink()
    (district.root / "leapfrog" / "receipts").mkdir()
    name = PartName(manifest.export_id, 1).receipt
    target = tmp_path / "target"
    target.write_text("untouched")
    for file in (name, f"{name}.part", f".{name}.part"):
        (district.root / "leapfrog" / "receipts" / file).symlink_to(target)
    assert district.receive().all_taken
    assert target.read_text() == "untouched"
    moved = tmp_path / "moved"
    (district.root / "leapfrog").rename(moved)
    (district.root / "leapfrog").symlink_to(moved)
    with pytest.raises(StickError, match="is no folder"):
        district.receive()


def test_a_stick_of_many_files_is_gone_through(district: District, kitui: WritingBox) -> None:
    image = secondary_capture()
    kitui.write(district.stick, [image])
    folder = district.stick.folder("parcels")
    for number in range(2_000):
        (folder / PartName(f"{number:032x}", 1).volume(1)).touch()
    received = district.receive()
    assert len(received.problems) == 2_000
    assert district.held_of(image) == [1]
    assert any("and 1,980 more" in line for line in received.lines())


# ------------------------------------------------------------------------------------------------ the server


def test_a_server_that_does_not_answer_stops_the_run_and_nothing_is_confirmed(
    district: District, kitui: WritingBox
) -> None:
    parts = [kitui.write(district.stick, [secondary_capture()]) for _ in range(2)]
    received = district.receive("http://127.0.0.1:9/dicom-web")
    assert not received.all_taken
    assert received.not_read == 1
    assert "cannot be reached" in received.stopped
    assert len(district.stick.parts()) == 2
    assert not district.stick.folder("receipts").exists()
    assert district.receive().all_taken
    assert all(len(district.receipt(part).confirmed) == 1 for part in parts)


def test_when_one_orthanc_is_gone_the_other_is_asked(district: District, kitui: WritingBox) -> None:
    images = [secondary_capture() for _ in range(3)]
    kitui.write(district.stick, images)
    assert district.receive("http://127.0.0.1:9/dicom-web", district.orthanc.dicomweb_url).all_taken
    assert district.held_of(*images) == [1, 1, 1]


def test_a_server_that_lets_nobody_in_is_named(district: District, kitui: WritingBox, tmp_path: Path) -> None:
    kitui.write(district.stick, [secondary_capture()])
    with_users = Orthanc(tmp_path / "locked", users={"reader": "secret"}).start()
    try:
        with_users._session.close()
        received = district.receive(with_users.dicomweb_url)
    finally:
        with_users.kill()
    assert "does not let this program in" in received.stopped
    assert not received.all_taken


def test_what_got_no_answer_is_asked_for_and_not_sent_twice(district: District, kitui: WritingBox) -> None:
    images = [secondary_capture() for _ in range(2)]
    kitui.write(district.stick, images)
    with RecordingProxy(district.orthanc.dicomweb_url) as proxy:
        proxy.plan(CutAnswer(), CutAnswer())
        assert district.receive(proxy.url).all_taken
    assert list(proxy.posts.values()) == [1, 1]
    assert district.held_of(*images) == [1, 1]


def test_a_server_that_does_not_find_what_it_says_to_have_stored_confirms_nothing(
    district: District, kitui: WritingBox
) -> None:
    image = secondary_capture()
    kitui.write(district.stick, [image])
    stored = {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [image.SOPInstanceUID]}}]}}
    with RecordingProxy(district.orthanc.dicomweb_url) as proxy:
        proxy.plan(*[Answer(200, json.dumps(stored).encode(), "application/dicom+json")] * 3)
        received = district.receive(proxy.url)
    assert not received.all_taken
    assert "does not list it" in "".join(received.boxes["kitui"].undecided)
    assert (received.receipts_on_stick, len(district.stick.parts())) == (0, 1)


def test_a_refusal_without_a_reason_counts_once_the_server_took_something_else(
    district: District, kitui: WritingBox
) -> None:
    """It may refuse whatever comes."""
    images = [secondary_capture() for _ in range(2)]
    manifest = kitui.write(district.stick, images)
    with RecordingProxy(district.orthanc.dicomweb_url) as proxy:
        proxy.plan(Answer(400), Answer(400))
        received = district.receive(proxy.url)
        assert sum(received.boxes["kitui"].undecided.values()) == 2
        assert received.receipts_on_stick == 0
        proxy.plan(Answer(400))
        assert not district.receive(proxy.url).all_taken
    receipt = district.receipt(manifest)
    assert "malformed" in receipt.refused[0].reason
    assert confirmed(receipt) == {manifest.objects[1].delivery_id}


# ------------------------------------------------------------------------------------------------ the stick


def test_a_stick_that_cannot_be_written_leaves_its_receipts_at_the_district(
    district: District, kitui: WritingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = kitui.write(district.stick, [secondary_capture()])

    def is_read_only(*_: object) -> Path:
        raise StickError("The stick cannot be written: it is read-only.")

    with monkeypatch.context() as patch:
        patch.setattr(Stick, "write", is_read_only)
        received = district.receive()
    assert (received.all_taken, received.receipts_missing, received.removed) == (False, 1, 0)
    assert district.parcel(manifest).exists()
    assert f"Bring the files in {district.receipts}" in "\n".join(received.lines())
    kept = district.receipts / "kitui" / PartName(manifest.export_id, 1).receipt
    assert len(read_receipt(kept.read_bytes(), district.key.public).confirmed) == 1


def test_a_disk_of_the_district_that_fails_is_not_called_the_stick(
    district: District, kitui: WritingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is large is written there while the stick is read."""
    kitui.write(district.stick, [secondary_capture(6_000_000)])

    def is_full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", is_full)
        patch.setattr("leapfrog.stick.parcel._Object.write", is_full)
        received = district.receive()
    assert str(district.receipts) in received.stopped
    assert received.problems == []
    assert district.receive().all_taken


def test_a_stick_that_does_not_keep_a_receipt_keeps_its_part(
    district: District, kitui: WritingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = kitui.write(district.stick, [secondary_capture()])
    write = Stick.write

    def forgets(stick: Stick, kind: Any, name: str, content: bytes) -> Path:
        return write(stick, kind, name, content[:-20] + b"\0" * 20)

    monkeypatch.setattr(Stick, "write", forgets)
    received = district.receive()
    assert "does not keep" in received.stick_trouble
    assert district.parcel(manifest).exists()


# ------------------------------------------------------------------------------------------------ what a box says


def test_what_a_box_says_of_itself_is_laid_for_the_fleet_and_never_an_older_one(
    district: District, kitui: WritingBox
) -> None:
    path = district.boxes / "by-stick" / "kitui.json"

    def sequence() -> int:
        number: int = json.loads(path.read_text())["state"]["sequence"]
        return number

    kitui.write(district.stick, [secondary_capture()], box_state=kitui.state(7))
    assert district.receive().boxes["kitui"].state_taken
    assert sequence() == 7
    kitui.write(district.stick, [], box_state=kitui.state(6))
    assert not district.receive().boxes["kitui"].state_taken
    assert sequence() == 7
    kitui.write(district.stick, [], box_state=kitui.state(8))
    assert district.receive().all_taken
    assert sequence() == 8


@pytest.mark.parametrize("lie", ["another box's", "forged", "nonsense"])
def test_what_a_box_did_not_sign_of_itself_is_named_and_its_images_are_taken(
    district: District, kitui: WritingBox, lie: str
) -> None:
    state: dict[str, Any] = {"another box's": district.box("mwingi").state(3), "forged": kitui.state(3)}.get(
        lie, {"a": 1}
    )
    if lie == "forged":
        state["state"]["uptime_seconds"] = 61
    image = secondary_capture()
    kitui.write(district.stick, [image], box_state=state)
    received = district.receive()
    assert "What kitui says of itself was not kept" in named(received)
    assert not list(district.boxes.rglob("*.json"))
    assert (district.held_of(image), received.removed) == ([1], 1)


# ------------------------------------------------------------------------------------------------ the command


def run(district: District, *words: str) -> Any:
    places = [
        f"--{name}={getattr(district.places, place)}"
        for name, place in (("key", "key_file"), ("stations", "stations"), ("receipts", "receipts"), ("boxes", "boxes"))
    ]
    return CliRunner().invoke(app, ["receive", *words, *places])


def test_the_exit_status_and_the_json_say_the_same(district: District, kitui: WritingBox) -> None:
    kitui.write(district.stick, [secondary_capture()])
    to = f"--to={district.orthanc.dicomweb_url}"
    done = run(district, str(district.root), to, "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["all_taken"], said["boxes"]["kitui"]["confirmed"]) == (0, True, 1)
    again = run(district, str(district.root), to)
    assert (again.exit_code, "There is nothing on" in again.stdout) == (0, True)
    (district.stick.folder("parcels") / f"{'0' * 32}-1.age").touch()
    assert run(district, str(district.root), to).exit_code == 1


def test_the_public_line_is_printed_and_the_key_made_once(tmp_path: Path) -> None:
    words = ["receive", "--public-key", "--key", str(tmp_path / "new.key")]
    first, second = (CliRunner().invoke(app, words) for _ in range(2))
    assert first.stdout == second.stdout == f"{district_key(tmp_path / 'new.key').public}\n"


def test_without_a_key_nothing_is_received_and_none_is_made(district: District, kitui: WritingBox) -> None:
    district.key_file.unlink()
    with pytest.raises(UsageError, match="There is no key of a district"):
        district.receive()
    assert not district.key_file.exists()


def test_two_runs_do_not_meet(district: District, kitui: WritingBox) -> None:
    from leapfrog.commands.receive.work_folder import work_folder

    with work_folder(district.receipts) as folder:
        (folder / "object.dcm").write_text("of a killed run")
        with pytest.raises(StorageError, match="Another stick is being received"):
            district.receive()
    kitui.write(district.stick, [secondary_capture()])
    assert district.receive().all_taken
