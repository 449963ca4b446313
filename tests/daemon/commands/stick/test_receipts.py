"""What receipts confirm, and what they do not."""

import json
import os
from pathlib import Path

import pytest

from leapfrog.district_key import district_key
from leapfrog.errors import DaemonNotRunning
from leapfrog.settings import Settings
from leapfrog.state.station.station_key import station_key_file
from leapfrog.stick.layout import Stick
from support.stick_box import StickBox


@pytest.fixture
def box(tmp_path: Path) -> StickBox:
    return StickBox(tmp_path)


def said(box: StickBox, given: Path) -> str:
    return "\n".join(box.bring_back(given).lines())


def test_a_receipt_confirms_what_it_names_and_the_stick_is_cleared(box: StickBox) -> None:
    box.owe(5)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    imported = box.bring_back(stick)
    assert box.count("confirmed") == 5
    assert (imported.failed, imported.cleared_parts) == (False, 3)
    assert not Stick(stick).parts() and not Stick(stick).receipts()
    assert "Confirmed by the district: 5 objects" in "\n".join(imported.lines())
    written = box.export(stick)
    assert written.objects == written.left == 0


def test_after_a_partial_receipt_an_export_holds_only_the_rest(box: StickBox) -> None:
    uids = box.owe(5)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick, without=[uids[1], uids[4]])
    box.bring_back(stick)
    assert [uid for uid, state in box.states().items() if state == "waiting"] == [uids[1], uids[4]]
    box.export(stick)
    assert list(box.arrived(stick).contents) == [uids[1], uids[4]]
    assert list(box.arrived(box.stick("lost")).contents) == []


def test_what_a_receipt_leaves_out_goes_in_its_turn_and_not_after_what_is_on_no_stick(box: StickBox) -> None:
    old = box.owe(2)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick, without=[old[0]])
    box.bring_back(stick)
    new = box.owe(1)
    other = box.stick("other")
    box.export(other)
    assert list(box.arrived(other).contents) == [old[0], *new]


def test_what_the_district_refuses_waits_for_a_person_with_its_reason(box: StickBox) -> None:
    uids = box.owe(2)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick, refusing=[uids[0]])
    assert "Not taken by the district: 1 object" in said(box, stick)
    assert box.states() == {uids[0]: "refused", uids[1]: "confirmed"}
    (row,) = box.in_journal(lambda journal: journal.rows("SELECT last_error FROM deliveries WHERE state = 'refused'"))
    assert row["last_error"] == "The district did not take it: Its server is full."
    assert box.export(stick).objects == 0, "it waits for a person"
    assert box.retry(uids[0]) == 1
    assert box.export(stick).objects == 1


def test_a_later_receipt_may_confirm_what_an_earlier_one_refused(box: StickBox) -> None:
    uids = box.owe(1)
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    refusal, confirmation = box.directory / "one.json", box.directory / "other.json"
    refusal.write_bytes(box.receipt(manifest, refusing=uids))
    confirmation.write_bytes(box.receipt(manifest))
    said(box, refusal)
    assert box.count("refused") == 1
    assert "Not taken, as an earlier receipt or the link said" in said(box, refusal)
    said(box, confirmation)
    assert box.count("confirmed") == 1
    assert "Nothing new is confirmed" in said(box, refusal), "what is confirmed stays so"
    assert box.count("confirmed") == 1


def test_a_receipt_for_a_second_time_changes_nothing_and_is_no_failure(box: StickBox) -> None:
    box.owe(2)
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    file = box.directory / "receipt.json"
    file.write_bytes(box.receipt(manifest))
    assert not box.bring_back(file).failed
    again = box.bring_back(file)
    assert not again.failed
    assert "Confirmed before already: 2 objects." in "\n".join(again.lines())


def test_after_a_retry_an_old_receipt_confirms_nothing(box: StickBox) -> None:
    uids = box.owe(1)
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    file = box.directory / "receipt.json"
    file.write_bytes(box.receipt(manifest, refusing=uids))
    box.bring_back(file)
    box.retry(uids[0])
    file.write_bytes(box.receipt(manifest))
    assert "Not counted: 1 object" in said(box, file)
    assert box.count("waiting") == 1


def test_what_was_lost_on_one_stick_is_confirmed_by_the_receipt_of_another(box: StickBox) -> None:
    box.owe(3)
    lost, stick = box.stick("lost"), box.stick()
    box.export(lost)
    box.export(stick)
    box.give_receipts(stick)
    box.bring_back(stick)
    assert box.count("confirmed") == 3
    box.give_receipts(lost)  # it turns up after all
    assert "Confirmed before already: 3 objects." in said(box, lost)
    assert not Stick(lost).parts()


def bad_receipts(box: StickBox) -> dict[str, bytes]:
    """What confirms nothing, by what is wrong with it."""
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    genuine = json.loads(box.receipt(manifest))
    forged = json.loads(json.dumps(genuine))
    forged["receipt"]["confirmed"][0]["sha256"] = "0" * 64
    longer = json.loads(json.dumps(genuine))
    longer["receipt"]["made_at"] = "2027-01-01T00:00:00+00:00"
    another = district_key(box.directory / "another" / "district.key")
    return {
        "changed on the way": json.dumps(forged).encode(),
        "of another time": json.dumps(longer).encode(),
        "of another district": box.receipt(manifest, key=another),
        "of another district in our name": box.receipt(
            manifest, key=another, changed={"district": box.key.public.verify_key.hex()}
        ),
        "without a signature": json.dumps({"receipt": genuine["receipt"], "signature": "00" * 64}).encode(),
        "no JSON": b"\xff\xfe" * 50,
        "empty": b"",
        "nested without end": b"[" * 100_000,
    }


def test_what_the_district_did_not_sign_confirms_nothing(box: StickBox) -> None:
    box.owe(2)
    for what, content in bad_receipts(box).items():
        file = box.directory / "receipt.json"
        file.write_bytes(content)
        imported = box.bring_back(file)
        assert imported.failed, what
        assert imported.receipts[0].problem, what
        assert box.count("waiting") == 2, what


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"station_key": "ab" * 32}, "for another box"),
        ({"export_id": "ab" * 16}, "did not write"),
        ({"part": 7}, "did not write"),
    ],
)
def test_a_receipt_for_something_else_confirms_nothing(box: StickBox, changed: dict[str, object], words: str) -> None:
    box.owe(2)
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    file = box.directory / "receipt.json"
    file.write_bytes(box.receipt(manifest, changed=changed))
    assert words in said(box, file)
    assert box.count("waiting") == 2


def test_a_receipt_counts_only_for_the_bytes_that_went(box: StickBox) -> None:
    uids = box.owe(2)
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    objects = [one.model_copy(update={"sha256": "0" * 64}) for one in manifest.objects[:1]] + manifest.objects[1:]
    file = box.directory / "receipt.json"
    file.write_bytes(box.receipt(manifest.model_copy(update={"objects": objects})))
    assert "Not counted: 1 object" in said(box, file)
    assert box.states() == {uids[0]: "waiting", uids[1]: "confirmed"}


def test_a_receipt_for_one_part_confirms_nothing_of_another(box: StickBox) -> None:
    box.owe(4)
    stick = box.stick()
    box.export(stick)
    first, second = box.arrived(stick).manifests.values()
    file = box.directory / "receipt.json"
    file.write_bytes(box.receipt(first.model_copy(update={"objects": second.objects})))
    assert "Not counted: 2 objects" in said(box, file)
    assert box.count("waiting") == 4


def test_receipts_for_other_boxes_stay_on_a_stick_that_several_share(box: StickBox, tmp_path: Path) -> None:
    other = StickBox(tmp_path / "other")
    other.owe(1)
    box.owe(1)
    stick = box.stick()
    other.export(stick)
    other.give_receipts(stick)
    box.export(stick)
    box.give_receipts(stick)
    here = Stick(stick)
    imported = box.bring_back(stick)
    assert box.count("confirmed") == 1
    assert len(here.receipts()) == 1
    assert any(one.problem for one in imported.receipts)


def test_many_receipts_for_another_box_are_one_line(box: StickBox, tmp_path: Path) -> None:
    other = StickBox(tmp_path / "other")
    other.key = box.key
    other.settings = other.with_settings()
    other.owe(6)
    stick = box.stick()
    other.export(stick)
    assert len(other.give_receipts(stick).manifests) == 3
    (line,) = box.bring_back(stick).lines()
    assert line.count("for another box") == 1
    assert "and 2 other files:" in line


def test_a_stick_without_receipts_says_that_it_was_not_at_the_district(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    imported = box.bring_back(stick)
    assert imported.failed
    assert "Has this stick been at the district" in "\n".join(imported.lines())


def test_a_former_station_key_still_counts(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    station_key_file(box.state_dir).unlink()
    box.new_station_key()
    box.bring_back(stick)
    assert box.count("confirmed") == 1


def test_a_receipt_of_a_destination_confirms_nothing_that_another_one_is_owed(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    (manifest,) = box.arrived(stick).manifests.values()
    province = district_key(box.directory / "province" / "district.key")
    box.settings = Settings.model_validate(
        {
            "station": {"state_dir": box.state_dir},
            "district": {"public_key": str(box.key.public)},
            "destination": [{"name": "province", "kind": "stick", "public_key": str(province.public)}],
        }
    )
    file = box.directory / "receipt.json"
    file.write_bytes(box.receipt(manifest, key=province))
    assert "did not write" in said(box, file)
    assert box.count("waiting") == 1


def test_a_receipt_counts_although_the_destination_got_another_name_since(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    box.settings = Settings.model_validate(
        {
            "station": {"state_dir": box.state_dir},
            "destination": [{"name": "province", "kind": "stick", "public_key": str(box.key.public)}],
        }
    )
    assert not box.bring_back(stick).failed
    assert box.count("confirmed") == 1


def test_what_was_forgotten_while_it_was_on_the_way_is_told(box: StickBox) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    box.in_journal(lambda journal: journal.change("DELETE FROM deliveries"))  # as `leapfrog forget` does
    assert "forgotten here since" in said(box, stick)


def test_a_receipt_for_what_went_to_a_key_that_the_settings_have_no_more_confirms_nothing(box: StickBox) -> None:
    """Whoever found the lost key can sign whatever he likes."""
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    box.new_district_key()
    assert box.bring_back(stick).failed
    assert box.count("waiting") == 1


@pytest.mark.parametrize("kind", ["a link", "a pipe", "too large"])
def test_what_is_no_file_on_a_stick_is_not_read(box: StickBox, kind: str) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    name = Stick(stick).make_folder("receipts") / f"{'a' * 32}-1.json"
    if kind == "a link":
        name.symlink_to("/etc/hostname")
    elif kind == "a pipe":
        os.mkfifo(name)
    else:
        with name.open("wb") as file:
            file.truncate(1 << 40)
    assert "This is no receipt" in said(box, stick)


def test_a_read_only_stick_confirms_all_the_same(box: StickBox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)

    def read_only(_: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    imported = box.bring_back(stick)
    assert box.count("confirmed") == 1
    assert (imported.failed, imported.cleared_parts) == (False, 0)


def test_a_box_that_never_ran_says_so(tmp_path: Path) -> None:
    box = StickBox(tmp_path)
    box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick)
    box.settings = Settings.model_validate(
        {"station": {"state_dir": tmp_path / "fresh"}, "district": {"public_key": str(box.key.public)}}
    )
    with pytest.raises(DaemonNotRunning):
        box.bring_back(stick)
