"""What `leapfrog export` writes on a stick, and when not."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.commands.stick.writing import PartWriter
from leapfrog.errors import StickError, StickFull, UsageError
from leapfrog.settings import Settings
from leapfrog.state.station.station_key import station_key, station_key_file
from leapfrog.stick.layout import PartFile, Stick
from support.owed import PATIENT_NAME
from support.stick_box import StickBox


@pytest.fixture
def box(tmp_path: Path) -> StickBox:
    return StickBox(tmp_path)


def test_the_district_reads_every_object_as_it_would_come_over_a_link(box: StickBox) -> None:
    uids = box.owe(5)
    stick = box.stick()
    written = box.export(stick)
    arrived = box.arrived(stick)
    assert (written.objects, written.exams, written.left, written.full) == (5, 5, 0, False)
    assert list(arrived.contents) == uids
    assert all(arrived.contents[uid][128:132] == b"DICM" for uid in uids)
    assert box.count("waiting") == 5, "it is owed until a receipt confirms it"


def test_results_go_first_and_the_urgent_and_newest_before_others_and_originals_last(box: StickBox) -> None:
    old, new = box.owe(2)
    urgent = box.owe(1, urgent=True)
    pdf, first, second = box.owe_result("report_pdf"), box.owe_result(), box.owe_result()
    stick = box.stick()
    box.export(stick)
    assert list(box.arrived(stick).contents) == [second, first, pdf, *urgent, old, new]


def test_what_the_box_says_of_itself_goes_along_once(box: StickBox) -> None:
    box.owe(5)
    stick = box.stick()
    box.export(stick)
    first, *others = box.arrived(stick).manifests.values()
    assert first.box_state is not None
    assert set(first.box_state) == {"state", "signature", "station_key"}
    assert first.box_state["station_key"] == first.station_key
    assert [one.box_state for one in others] == [None, None]


def test_a_box_that_owes_nothing_says_all_the_same_how_it_is(box: StickBox) -> None:
    stick = box.stick()
    written = box.export(stick)
    assert (written.objects, written.parts) == (0, 1)
    (manifest,) = box.arrived(stick).manifests.values()
    assert list(manifest.objects) == []
    assert manifest.box_state is not None
    assert "what this box says of itself" in " ".join(written.lines(stick, ()))
    assert box.export(stick).settled_parts == 1, "the next one takes its place"
    assert len(box.arrived(stick).manifests) == 1


def test_only_the_chosen_kinds_go(box: StickBox) -> None:
    box.owe(2)
    report = box.owe_result()
    stick = box.stick()
    written = box.export(stick, kinds=("structured_report", "report_pdf"))
    assert list(box.arrived(stick).contents) == [report]
    assert "of the chosen kinds" in "\n".join(written.lines(stick, ("structured_report",)))
    with pytest.raises(UsageError, match="no kind 'film'"):
        box.export(stick, kinds=("film",))


def test_on_one_stick_nothing_is_written_twice(box: StickBox) -> None:
    first = box.owe(4)
    stick = box.stick()
    box.export(stick)
    second = box.owe(2)
    written = box.export(stick)
    arrived = box.arrived(stick)
    assert (written.objects, written.kept_parts) == (2, 2)
    assert arrived.times == dict.fromkeys([*first, *second], 1)
    assert box.export(stick).objects == 0


def test_a_lost_stick_costs_a_resend(box: StickBox) -> None:
    """What is on another stick goes too, after what is on none, in case that one is lost."""
    lost = box.owe(3)
    box.export(box.stick("lost"))
    new = box.owe(2)
    stick = box.stick("other")
    assert box.export(stick).objects == 5
    assert list(box.arrived(stick).contents) == [*new, *lost]


def test_what_is_on_another_stick_may_be_left_out(box: StickBox) -> None:
    box.owe(3)
    box.export(box.stick("first"))
    new = box.owe(2)
    stick = box.stick("second")
    written = box.export(stick, new_only=True)
    assert list(box.arrived(stick).contents) == new
    assert written.left == 3
    assert "on another one" in "\n".join(written.lines(stick, ()))


def test_an_export_goes_on_until_the_stick_is_full_and_says_what_stays_behind(
    box: StickBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = box.owe(6)
    box.owe(1, 3_000_000)
    later = box.owe(1)
    stick = box.stick()
    room = 1_300_000
    start = sum(path.stat().st_size for path in stick.rglob("*"))

    def room_left(_: Stick) -> tuple[int, int]:
        used = sum(path.stat().st_size for path in stick.rglob("*.age")) - start
        return room - used, room

    monkeypatch.setattr(Stick, "room", room_left)
    written = box.export(stick)
    assert list(box.arrived(stick).contents) == [*small, *later][: written.objects]
    assert written.full
    assert written.left == 8 - written.objects > 0
    assert "The stick is full. " in "\n".join(written.lines(stick, ()))
    room = 10_000_000
    assert box.export(stick).left == 0, "it goes on where there is room again"


def test_a_damaged_file_never_goes_and_is_said(box: StickBox) -> None:
    good, bad, gone = box.owe(3)
    content = bytearray(box.spool_file(bad).read_bytes())
    content[5000] ^= 1
    box.spool_file(bad).write_bytes(content)
    box.spool_file(gone).unlink()
    stick = box.stick()
    written = box.export(stick)
    assert list(box.arrived(stick).contents) == [good]
    assert (written.unfit, written.left) == (2, 0)
    assert "2 objects whose stored file is damaged or missing" in "\n".join(written.lines(stick, ()))


def test_a_file_that_is_damaged_while_it_is_written_does_not_go(box: StickBox, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = box.owe(2)
    stick, path = box.stick(), box.spool_file(bad)
    write = PartWriter._write

    def damage_first(writer: PartWriter, batch: object) -> None:
        content = bytearray(path.read_bytes())
        content[5000] ^= 1
        path.write_bytes(content)
        monkeypatch.setattr(PartWriter, "_write", write)
        write(writer, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(PartWriter, "_write", damage_first)
    assert box.export(stick).unfit == 1
    assert list(box.arrived(stick).contents) == [good]


def test_a_part_that_was_damaged_on_the_stick_is_written_anew(box: StickBox) -> None:
    uids = box.owe(4)
    stick = box.stick()
    box.export(stick)
    part = min(stick.rglob("*.age"))
    content = bytearray(part.read_bytes())
    content[100_000] ^= 1
    part.write_bytes(content)
    written = box.export(stick)
    assert (written.damaged_parts, written.kept_parts, written.objects) == (1, 1, 2)
    assert box.arrived(stick).times == dict.fromkeys(uids, 1)


def test_receipts_that_nobody_imported_are_taken_before_anything_is_written_again(box: StickBox) -> None:
    """Whoever gets the stick back may type the command that he knows."""
    uids = box.owe(2)
    stick = box.stick()
    box.export(stick)
    for part in box.give_receipts(stick, without=uids[:1]).manifests:
        Stick(stick).remove(part)  # as `leapfrog receive` does with one that is wholly confirmed
    written = box.export(stick)
    assert (box.count("confirmed"), written.objects) == (1, 1)
    assert "Confirmed by the district: 1 object" in "\n".join(written.lines(stick, ()))
    assert "1 object confirmed" in written.in_short()
    assert box.export(stick).receipts == ()


@pytest.mark.parametrize("name", [f"{'a' * 32}-1.age.part", f"{'a' * 32}-1.2.age", "a part of this box"])
def test_a_folder_in_the_place_of_a_part_keeps_nothing_off_the_stick(box: StickBox, name: str) -> None:
    """As a damaged FAT shows them."""
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    (part,) = Stick(stick).parts()
    own = stick / "leapfrog" / "parcels" / part.volume(1)
    is_own = name == "a part of this box"
    if is_own:
        own.unlink()
    (own if is_own else own.with_name(name)).mkdir()
    box.owe(1)
    assert box.export(stick).objects == (2 if is_own else 1)


def test_what_is_encrypted_to_a_key_that_the_district_lost_is_written_anew(box: StickBox) -> None:
    """On the stick that it is on, and before what is on another one that the district can read."""
    box.owe(1)
    stick, readable, other = box.stick(), box.stick("readable"), box.stick("other")
    box.export(stick)
    box.new_district_key()
    box.owe(1)
    box.export(readable, kinds=("original",), part_bytes=1)
    written = box.export(stick)
    assert (written.outdated_parts, written.kept_parts, written.objects) == (1, 0, 2)
    assert len(box.arrived(stick).contents) == 2  # with the new key
    assert "got a new key: 1 part." in "\n".join(written.lines(stick, ()))
    assert box.export(other, new_only=True).objects == 0


def test_what_is_only_on_a_stick_that_nobody_can_read_is_on_none(box: StickBox) -> None:
    box.owe(1)
    box.export(box.stick("unreadable"))
    box.new_district_key()
    assert box.export(box.stick(), new_only=True).objects == 1


def test_what_a_former_key_of_the_box_signed_is_written_anew(box: StickBox) -> None:
    """The district may know only the new one."""
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    station_key_file(box.state_dir).unlink()
    box.new_station_key()
    written = box.export(stick)
    assert (written.outdated_parts, written.objects) == (1, 1)
    (manifest,) = box.arrived(stick).manifests.values()
    assert manifest.station_key == station_key(box.state_dir).public_key.hex()


def test_half_written_parts_are_removed(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    parcels = stick / "leapfrog" / "parcels"
    left = [f"{'a' * 32}-1.age.part", f"{'b' * 32}-3.2.age"]
    for name in left:
        (parcels / name).write_bytes(b"half")
    (parcels / "notes.txt").write_bytes(b"somebody else's")
    box.export(stick)
    assert {path.name for path in parcels.iterdir()} & {*left, "notes.txt"} == {"notes.txt"}


def test_parts_of_another_box_are_left_alone(box: StickBox, tmp_path: Path) -> None:
    other = StickBox(tmp_path / "other")
    other.owe(1)
    stick = box.stick()
    other.export(stick)
    box.owe(1)
    written = box.export(stick)
    assert (written.unknown_parts, written.objects) == (1, 1)
    assert len(Stick(stick).parts()) == 2
    assert other.export(stick).kept_parts == 1


def test_a_large_object_goes_in_pieces_that_every_file_system_takes(
    box: StickBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.stick.layout.LARGEST_FILE_BYTES", 200_000)
    monkeypatch.setattr(Stick.__init__, "__defaults__", (200_000,))
    (large,) = box.owe(1, 900_000)
    stick = box.stick()
    box.export(stick)
    sizes = [path.stat().st_size for path in sorted(stick.rglob("*.age"))]
    assert len(sizes) == 5
    assert max(sizes) == 200_000
    assert list(box.arrived(stick).contents) == [large]
    assert box.export(stick).kept_parts == 1


def test_nothing_of_a_patient_is_outside_of_the_encrypted_files(box: StickBox) -> None:
    uids = box.owe(3)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    everything = b"".join(path.read_bytes() for path in stick.rglob("*") if path.is_file())
    names = "\n".join(str(path.relative_to(stick)) for path in stick.rglob("*"))
    for secret in ("Secret", PATIENT_NAME, "1.2.840", *uids):
        assert secret.encode() not in everything
        assert secret not in names
    for part in stick.rglob("*.age"):
        found = subprocess.run(["strings", "-n", "8", str(part)], capture_output=True, text=True, check=True).stdout
        lines = [line for line in found.splitlines()[3:] if line.isascii() and line.replace(".", "").isdigit()]
        assert not [line for line in lines if len(line) > 12], "no UID and no number of a patient"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"district": {}}, "no public key of a district"),
        ({"district": {"url": "http://server.example/dicom-web"}}, "no public key of a district"),
    ],
)
def test_without_a_key_nothing_is_written(box: StickBox, settings: dict[str, object], words: str) -> None:
    box.owe(1)
    box.settings = Settings.model_validate({"station": {"state_dir": box.state_dir}, **settings})
    stick = box.stick()
    with pytest.raises(UsageError, match=words):
        box.export(stick)
    assert not list(stick.iterdir())


def test_of_several_destinations_with_a_key_one_must_be_named(box: StickBox) -> None:
    key = str(box.key.public)
    box.owe(1)
    box.settings = Settings.model_validate(
        {
            "station": {"state_dir": box.state_dir},
            "district": {"public_key": key},
            "destination": [{"name": "province", "kind": "stick", "public_key": key}],
        }
    )
    stick = box.stick()
    with pytest.raises(UsageError, match="--destination: district, province"):
        box.export(stick)
    with pytest.raises(UsageError, match="no destination capital"):
        box.export(stick, destination="capital")
    assert box.export(stick, destination="district").objects == 1
    assert box.export(stick, destination="province").objects == 0


def test_a_folder_on_the_boxes_own_disk_is_named_as_such(box: StickBox) -> None:
    box.owe(1)
    assert "not on a stick" in box.export(box.stick()).warnings[0]


def test_a_folder_that_is_not_there_is_named(box: StickBox) -> None:
    with pytest.raises(StickError, match="There is no folder"):
        box.export(box.directory / "nowhere")
    assert not (box.directory / "nowhere").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EIO, "does not answer any more"),
        (errno.ENODEV, "does not answer any more"),
        (errno.EROFS, "read-only"),
        (errno.EFBIG, "takes no file as large"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_stick_that_fails_is_a_clear_sentence_and_the_next_run_goes_on(
    box: StickBox, monkeypatch: pytest.MonkeyPatch, number: int, words: str, call: str
) -> None:
    uids = box.owe(6)
    stick = box.stick()
    with monkeypatch.context() as patch:
        _fail(patch, call, number)
        with pytest.raises(StickError, match=words):
            box.export(stick)
    assert not list(stick.rglob("*.part"))
    box.export(stick)
    assert box.arrived(stick).times == dict.fromkeys(uids, 1)


def _fail(patch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """Have the third call fail, and all after it."""
    calls = 0

    def failing(real: object) -> object:
        def instead(*arguments: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls >= 3:
                raise OSError(number, os.strerror(number))
            return real(*arguments, **options)  # type: ignore[operator]

        return instead

    if call == "write":
        patch.setattr(PartFile, "write", failing(PartFile.write))
    elif call == "fsync":
        patch.setattr("leapfrog.stick.layout.os.fsync", failing(os.fsync))
    else:
        patch.setattr(Path, "replace", failing(Path.replace))


def test_a_full_stick_says_so_although_it_had_said_otherwise(box: StickBox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.owe(6)
    stick = box.stick()
    with monkeypatch.context() as patch:
        _fail(patch, "write", errno.ENOSPC)
        with pytest.raises(StickFull, match="is full: nothing was written"):
            box.export(stick)
    calls = 0
    write = PartFile.write

    def full_after_a_part(file: PartFile, content: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content)

    monkeypatch.setattr(PartFile, "write", full_after_a_part)
    written = box.export(stick)
    assert written.full
    assert 0 < written.objects < 6
    assert len(box.arrived(stick).contents) == written.objects


def test_a_stick_that_keeps_other_bytes_is_found_out(box: StickBox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.owe(2)
    stick = box.stick()
    fsync = os.fsync

    def lie(descriptor: int) -> None:
        fsync(descriptor)
        if os.fstat(descriptor).st_size > 100_000:
            os.pwrite(descriptor, b"\0\0\0\0", 50_000)

    monkeypatch.setattr("leapfrog.stick.layout.os.fsync", lie)
    with pytest.raises(StickError, match="does not keep what is written"):
        box.export(stick)
    assert not list(stick.rglob("*.age*"))
    assert box.in_journal(lambda journal: journal.count("exported_parts")) == 0


def test_a_stick_that_is_smaller_than_it_says_is_found_out(box: StickBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written last takes the place of what was written first."""
    box.owe(8)
    stick = box.stick()
    finish = PartFile.finish

    def wrap(file: PartFile) -> None:
        finish(file)
        if len(parts := sorted(stick.rglob("*.age"), key=lambda path: int(path.stem.rsplit("-")[1]))) == 4:
            parts[0].write_bytes(parts[-1].read_bytes())

    monkeypatch.setattr(PartFile, "finish", wrap)
    with pytest.raises(StickError, match="smaller than it says"):
        box.export(stick)
    assert len(box.arrived(stick).contents) == 6, "what is right is left on it"


def test_two_exports_do_not_write_on_one_stick_at_once(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    with Stick(stick).alone(), pytest.raises(StickError, match="Another `leapfrog export`"):
        box.export(stick)


@pytest.mark.parametrize("what", ["link", "file"])
def test_what_somebody_put_in_the_place_of_a_folder_is_not_followed(box: StickBox, what: str) -> None:
    box.owe(1)
    stick, elsewhere = box.stick(), box.stick("elsewhere")
    place = stick / "leapfrog"
    if what == "link":
        place.symlink_to(elsewhere)
    else:
        place.write_text("")
    with pytest.raises(StickError, match="is no folder"):
        box.export(stick)
    assert not list(elsewhere.iterdir())


def test_names_are_those_that_fat_takes(box: StickBox) -> None:
    box.owe(2)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    names = [path.name for path in stick.rglob("*")]
    assert all(len(name) <= 64 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for name in names)


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)
