"""UIDs of our own, and which of others can be used."""

import pytest

from leapfrog.dicom.uids import is_forwardable_uid, is_valid_uid, is_well_formed_uid, mint_uid, uid_of


@pytest.mark.parametrize(
    ("uid", "forwardable"),
    [("1.2.840.1", True), ("1.2.x", True), ("1." + "9" * 62, True), ("1." + "9" * 63, False), ("1.2\\1.3", False),
     ("1.2/../3", False), ("", False)],
)  # fmt: skip
def test_a_uid_is_forwardable_when_it_survives_the_way(uid: str, forwardable: bool) -> None:
    assert is_forwardable_uid(uid) == forwardable


@pytest.mark.parametrize(
    ("uid", "well_formed"),
    [("1.2.840.0.1", True), ("2.25.10", True), ("1.2.0815", False), ("1.2.00", False), ("1..2", False), (".1", False),
     ("1.2.", False), ("1.2.x", False), ("1." + "9" * 63, False), ("", False)],
)  # fmt: skip
def test_a_uid_is_well_formed_when_it_keeps_every_rule(uid: str, well_formed: bool) -> None:
    assert is_well_formed_uid(uid) == well_formed


def test_minted_uids_follow_the_rules() -> None:
    uids = {mint_uid() for _ in range(1000)}
    assert len(uids) == 1000
    assert all(len(uid) <= 64 and uid.startswith("2.25.") and not uid.startswith("2.25.0") for uid in uids)


def test_what_has_no_uid_gets_the_same_one_each_time() -> None:
    made = uid_of("exam", "image", "Nodule")
    assert made == uid_of("exam", "image", "Nodule")
    assert is_valid_uid(made)
    assert (
        len({made, uid_of("exam", "imageNodule"), uid_of("exam", "image,Nodule"), uid_of("exam", "image", "Mass")}) == 4
    )
