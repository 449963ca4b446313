"""Destinations that get only some exams: what is owed to them, and when that becomes known."""

from dataclasses import replace

from leapfrog.exam import ImageHeader, ImageReading, PictureIdentity
from leapfrog.settings import DestinationSettings
from leapfrog.state.instances import Instances, NewlyOwed
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import CommittedReading, InstanceState, NewDelivery, NewInstance, StudyIdentity
from support.destinations import a_destination, a_district
from support.journal_rows import new_delivery, new_instance, reading_of
from support.readings import finding

HEARTS = a_destination("hearts", modalities=["US", "XA"])
URGENT = a_destination("urgent", only_urgent=True)
STUDY = StudyIdentity(study_instance_uid="1.2.826.1", patient_id="P1")


def a_reading(new: NewInstance, modality: str, *, urgent: bool) -> ImageReading:
    """What a reader says of an image."""
    found = (finding("pneumothorax", urgent=True),) if urgent else ()
    return reading_of(new.id).model_copy(update={"header": ImageHeader(modality=modality), "findings": found})


def read(
    journal: Journal,
    new: NewInstance,
    *destinations: DestinationSettings,
    modality: str = "CR",
    urgent: bool = False,
    state: InstanceState = "read",
    deliveries: tuple[NewDelivery, ...] = (),
) -> NewlyOwed:
    """Commit a reading while these destinations are in the settings, beside the district."""
    reading = a_reading(new, modality, urgent=urgent)
    committed = CommittedReading(instance_id=new.id, state=state, reading=reading, deliveries=deliveries)
    return Instances(journal).commit_reading(committed, Recipients((a_district(), *destinations)))


def arrived(journal: Journal, **values: object) -> NewInstance:
    """An image of the one exam, which is owed to the district since it came."""
    new = new_instance(study=STUDY, **values)
    assert Instances(journal).add(new) == []
    return new


def a_picture(journal: Journal, uid: str = "2.25.9") -> NewInstance:
    """A picture of the exam that is not DICOM, and will be sent as `uid`."""
    identity = PictureIdentity(
        study_instance_uid=STUDY.study_instance_uid, series_instance_uid="2.25.8", sop_instance_uid=uid
    )
    return arrived(journal, sop_instance_uid=uid, picture=identity, owed=False)


def owed_to(journal: Journal, name: str) -> list[str]:
    """The instances whose originals are owed to a destination."""
    rows = journal.rows("SELECT instance_id FROM deliveries WHERE destination = ? ORDER BY sequence", (name,))
    return [row["instance_id"] for row in rows]


def test_an_exam_is_owed_whole_once_one_of_its_images_is_of_a_modality_that_the_destination_gets(
    journal: Journal,
) -> None:
    chest, heart, later = (arrived(journal) for _ in range(3))
    assert read(journal, chest, HEARTS).count == 0
    assert owed_to(journal, "hearts") == []
    assert read(journal, heart, HEARTS, modality="US").count == 3
    assert owed_to(journal, "hearts") == [chest.id, heart.id, later.id]
    assert read(journal, later, HEARTS).count == 0, "once"
    assert owed_to(journal, "district") == [chest.id, heart.id, later.id]


def test_what_does_not_tell_its_modality_or_could_not_be_read_may_be_of_any(journal: Journal) -> None:
    silent, unreadable = arrived(journal), new_instance()
    Instances(journal).add(unreadable)
    read(journal, silent, HEARTS, modality="")
    read(journal, unreadable, HEARTS, modality="", state="set_aside")
    assert owed_to(journal, "hearts") == [silent.id, unreadable.id]


def test_an_exam_that_becomes_urgent_is_owed_whole_to_those_that_get_urgent_ones(journal: Journal) -> None:
    first, second = arrived(journal), arrived(journal)
    read(journal, first, URGENT)
    assert owed_to(journal, "urgent") == []
    read(journal, second, URGENT, urgent=True)
    assert owed_to(journal, "urgent") == [first.id, second.id]


def test_both_rules_of_a_destination_must_hold(journal: Journal) -> None:
    both = a_destination("both", modalities=["US"], only_urgent=True)
    new = arrived(journal)
    read(journal, new, both, modality="CR", urgent=True)
    assert owed_to(journal, "both") == []


def test_one_that_gets_no_originals_is_owed_none(journal: Journal) -> None:
    new = arrived(journal)
    read(journal, new, a_destination("hearts", modalities=["US"], send=["report_pdf"]), modality="US")
    assert owed_to(journal, "hearts") == []


def test_what_arrives_under_a_uid_of_another_waits_until_it_is_read_for_every_destination(journal: Journal) -> None:
    heart, renamed = arrived(journal), arrived(journal, forward_as="2.25.77")
    read(journal, heart, HEARTS, modality="US")
    row = journal.rows("SELECT spool_name FROM deliveries WHERE instance_id = ?", (renamed.id,))
    assert [one["spool_name"] for one in row] == [None, None]
    read(journal, renamed, HEARTS)
    row = journal.rows("SELECT spool_name, renamed FROM deliveries WHERE instance_id = ?", (renamed.id,))
    assert [tuple(one) for one in row] == [(renamed.spool_name, 1)] * 2


def test_an_object_of_ours_that_comes_back_is_no_original_for_anybody(journal: Journal) -> None:
    first = arrived(journal)
    ours = replace(new_delivery("original"), destinations=("district",))
    read(journal, first, deliveries=(ours,))
    back = new_instance(sop_instance_uid=ours.sop_instance_uid)
    Instances(journal).add(back)
    read(journal, back, HEARTS, modality="US")
    assert back.id not in owed_to(journal, "hearts") + owed_to(journal, "district")


def test_a_picture_is_owed_in_the_form_in_which_a_reader_wrapped_it_also_when_that_is_known_later(
    journal: Journal,
) -> None:
    picture, film = a_picture(journal), arrived(journal)
    wrapped = replace(new_delivery("original"), sop_instance_uid="2.25.9")
    read(journal, picture, URGENT, deliveries=(wrapped,))
    assert owed_to(journal, "district") == [film.id, picture.id]
    read(journal, film, URGENT, urgent=True)
    rows = journal.rows("SELECT destination, spool_name FROM deliveries WHERE instance_id = ?", (picture.id,))
    assert {tuple(row) for row in rows} == {("district", wrapped.spool_name), ("urgent", wrapped.spool_name)}


def _read_for_urgent_alone(
    journal: Journal, new: NewInstance, *, urgent: bool = False, wrapped: NewDelivery | None = None
) -> NewlyOwed:
    reading = a_reading(new, "CR", urgent=urgent)
    committed = CommittedReading(
        instance_id=new.id, state="read", reading=reading, deliveries=(wrapped,) if wrapped else ()
    )
    return Instances(journal).commit_reading(committed, Recipients((URGENT,)))


def test_a_picture_that_was_wrapped_for_nobody_is_read_again_once_when_its_exam_becomes_urgent(
    journal: Journal,
) -> None:
    picture, film = a_picture(journal), arrived(journal, owed=False)
    wrapped = replace(new_delivery("original"), sop_instance_uid="2.25.9")
    assert _read_for_urgent_alone(journal, picture, wrapped=wrapped).unneeded == (wrapped.spool_name,)
    _read_for_urgent_alone(journal, film, urgent=True)
    again = Instances(journal).begin_attempt(slow=True)
    assert again is not None and again.id == picture.id
    assert _read_for_urgent_alone(journal, picture, wrapped=wrapped).unneeded == ()
    assert owed_to(journal, "urgent") == [film.id, picture.id]


def test_pictures_that_no_reader_can_wrap_are_not_read_again_and_again(journal: Journal) -> None:
    first, second = a_picture(journal), a_picture(journal, "2.25.10")
    _read_for_urgent_alone(journal, first)
    _read_for_urgent_alone(journal, second, urgent=True)
    rounds = 0
    while (record := Instances(journal).begin_attempt(slow=True)) is not None:
        rounds += 1
        assert rounds < 5
        _read_for_urgent_alone(journal, first if record.id == first.id else second, urgent=record.id == second.id)
