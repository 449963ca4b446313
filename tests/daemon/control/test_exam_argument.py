"""Commands take an exam by its number, however it was read out; what cannot be right is said."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from leapfrog.control.commands import Commands
from leapfrog.control.exam_argument import numbered_exam
from leapfrog.control.status import StatusSource
from leapfrog.errors import UsageError
from leapfrog.exam_number import exam_number
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import NewInstance, StudyIdentity
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_instance, original_delivery
from support.spooled import put_in_spool

MINE, OTHER, LIKE_MINE = "K7-42F", exam_number(9), "K7-456"
STUDY = StudyIdentity(study_instance_uid="1.2", patient_id="P1")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0)


@pytest.fixture
def commands(journal: Journal, spool: Spool) -> Commands:
    return Commands(
        journal=journal,
        deliveries=Deliveries(journal),
        source=cast(StatusSource, None),
        wake=lambda: None,
        sync=lambda _destination: None,
        spool=spool,
    )


def add(journal: Journal, spool: Spool, number: str, **values: object) -> NewInstance:
    new = put_in_spool(spool, b"an image", new_instance(exam_number=number, **values))
    assert Instances(journal).add(new) == []
    return new


def said(journal: Journal, given: str) -> str:
    with pytest.raises(UsageError) as raised:
        numbered_exam(Studies(journal), given)
    return str(raised.value)


@pytest.mark.parametrize("given", ["K7-42F", "k7-42f", "k742f", " K7 42F "])
def test_an_exam_is_read_again_by_its_number(journal: Journal, spool: Spool, commands: Commands, given: str) -> None:
    mine, other = add(journal, spool, MINE), add(journal, spool, OTHER)
    for new in (mine, other):
        commit(journal, new.id)
    assert commands.reread([given]) == {"queued": 1, "waiting": 0, "kept": 0}
    assert {one.id: one.state for one in Instances(journal).listed()} == {mine.id: "received", other.id: "read"}


def test_the_number_stands_for_all_that_was_set_aside_or_refused_of_the_exam(
    journal: Journal, spool: Spool, commands: Commands
) -> None:
    aside, sent = (add(journal, spool, MINE, study=STUDY) for _ in range(2))
    other = add(journal, spool, OTHER)
    for new in (aside, other):
        commit(journal, new.id, "set_aside")
    for new in (sent, other):
        Deliveries(journal).refuse(original_delivery(journal, new.id)["id"], "not wanted")
    assert commands.retry(["k742f"]) == {"done": ["k742f"], "unchanged": []}
    assert {one.id: one.state for one in Instances(journal).listed()} == {
        aside.id: "received", sent.id: "received", other.id: "set_aside",
    }  # fmt: skip
    assert original_delivery(journal, sent.id)["state"] == "waiting"
    assert original_delivery(journal, other.id)["state"] == "refused"
    assert commands.retry([MINE]) == {"done": [], "unchanged": [MINE]}


def test_what_was_refused_of_an_exam_is_given_up_by_its_number(
    journal: Journal, spool: Spool, commands: Commands
) -> None:
    mine, other = add(journal, spool, MINE), add(journal, spool, OTHER)
    for new in (mine, other):
        Deliveries(journal).refuse(original_delivery(journal, new.id)["id"], "not wanted")
    assert commands.dismiss([MINE])["done"] == [MINE]
    assert [original_delivery(journal, new.id)["state"] for new in (mine, other)] == ["dismissed", "refused"]


def test_nothing_is_done_where_one_of_several_is_unknown(journal: Journal, spool: Spool, commands: Commands) -> None:
    mine = add(journal, spool, MINE)
    commit(journal, mine.id, "set_aside")
    with pytest.raises(UsageError, match="There is no exam"):
        commands.retry([MINE, "k742g"])
    assert Instances(journal).listed()[0].state == "set_aside"


def test_the_images_of_one_exam_are_listed_by_its_number(journal: Journal, spool: Spool, commands: Commands) -> None:
    images = [add(journal, spool, MINE, study=STUDY) for _ in range(3)]
    add(journal, spool, OTHER)
    commit(journal, images[0].id, "set_aside")
    assert [row["id"] for row in commands.instances(exam="k742f")] == [image.id for image in images[::-1]]
    assert [row["id"] for row in commands.instances("set_aside", exam=MINE)] == [images[0].id]
    assert commands.instances(limit=1, exam=MINE)[1:] == [{"more": 2}]
    with pytest.raises(UsageError, match="There is no exam"):
        commands.instances(exam="K7-42G")


def test_lists_name_the_exam(journal: Journal, spool: Spool, commands: Commands) -> None:
    add(journal, spool, MINE)
    assert commands.instances()[0]["exam_number"] == MINE
    assert commands.deliveries()[0]["exam_number"] == MINE


# ---------------------------------------------------------------- what is wrong


def test_the_character_that_cannot_be_right_is_named(journal: Journal, spool: Spool) -> None:
    add(journal, spool, MINE)
    assert said(journal, "K7-42G") == (
        "There is no exam K7-42G: its check character does not fit, so one character is wrong, or two are swapped. Of"
        " the exams on this box, it may be K7-42F (then the 5th character, G, cannot be right)."
    )
    assert "it may be K7-42F (then the 3rd and the 4th character are swapped)." in said(journal, "k7 24f")


def test_all_that_it_may_be_are_named(journal: Journal, spool: Spool) -> None:
    for number in (MINE, LIKE_MINE):
        add(journal, spool, number)
    told = said(journal, "K7-45F")
    assert "K7-42F (then the 4th character, 5, cannot be right)" in told
    assert "K7-456 (then the 5th character, F, cannot be right)" in told


def test_where_no_exam_is_like_it_it_is_to_be_read_out_again(journal: Journal) -> None:
    assert said(journal, "K7-42G").endswith("Have it read out once more, one character after the other.")


def test_a_letter_that_is_in_no_number_is_named(journal: Journal, spool: Spool) -> None:
    add(journal, spool, MINE)
    told = said(journal, "k7-4zf")
    assert told.startswith("There is no exam k7-4zf: the 4th character, Z, cannot be right. Exam numbers are made of 2")
    assert told.endswith("Of the exams on this box, it may be K7-42F (then the 4th character, Z, cannot be right).")
    assert "the 1st character, 0, and 4th character, Z, cannot be right" in said(journal, "07-4ZF")


def test_one_that_is_too_short_lacks_a_character(journal: Journal) -> None:
    assert "it has 4 characters, and the shortest numbers have 5" in said(journal, "K742")


def test_a_right_number_of_no_exam_here_is_told_so(journal: Journal) -> None:
    assert "There is no exam K7-42F on this box" in said(journal, "k742f")


@pytest.mark.parametrize("given", ["272ef95f8d179f04", "", "two words too long for one"])
def test_what_is_not_meant_as_a_number_is_left_to_others(journal: Journal, given: str) -> None:
    assert numbered_exam(Studies(journal), given) is None
