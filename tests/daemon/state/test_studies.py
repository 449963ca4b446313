"""Studies: whose they are, when they are quiet, and which version of a report is shown."""

from dataclasses import replace
from pathlib import Path

from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.listed_studies import ListedStudies
from leapfrog.state.publications import Publications
from leapfrog.state.records import CommittedReport, InstanceState, StudyIdentity, StudyRecord
from leapfrog.state.studies import MOST_SHARING, Studies
from support.journal_rows import bring_to, commit, new_instance, reopened, report


def open_studies(journal: Journal) -> list[StudyRecord]:
    """Oldest first."""
    return [study for study in reversed(Studies(journal).newest(10)) if study.state == "open"]


def test_a_uid_under_two_patients_makes_two_studies_that_know_of_each_other(journal: Journal) -> None:
    for patient in ("P1", "P2", "P1"):
        Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.2", patient_id=patient)))
    one, other = open_studies(journal)
    assert (one.identity.patient_id, other.identity.patient_id) == ("P1", "P2")
    assert [study.key for study in Studies(journal).sharing_uid(one)] == [other.key]


def test_the_issuer_tells_patients_apart(journal: Journal) -> None:
    for issuer in ("north", "south"):
        identity = StudyIdentity(study_instance_uid="1.2", patient_id="P1", issuer_of_patient_id=issuer)
        Instances(journal).add(new_instance(study=identity))
    assert len(open_studies(journal)) == 2


def test_an_instance_without_a_study_uid_is_a_study_of_its_own(journal: Journal) -> None:
    for _ in range(2):
        Instances(journal).add(new_instance(study=StudyIdentity(patient_id="P1")))
    one, other = open_studies(journal)
    assert one.key != other.key
    assert Studies(journal).sharing_uid(one) == []


def test_a_study_s_key_says_nothing_of_the_patient(journal: Journal) -> None:
    Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.2.3", patient_id="SECRET")))
    (study,) = open_studies(journal)
    assert "SECRET" not in study.key
    assert "1.2.3" not in study.key


def test_a_late_image_opens_a_study_that_was_closed(journal: Journal) -> None:
    identity = StudyIdentity(study_instance_uid="1.2", patient_id="P1")
    Instances(journal).add(new_instance(study=identity))
    (study,) = open_studies(journal)
    report(journal, study.key, 1)
    assert open_studies(journal) == []
    Instances(journal).add(new_instance(study=identity))
    assert [found.key for found in open_studies(journal)] == [study.key]


def test_a_reading_that_came_during_the_rendering_keeps_the_study_open(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    (study,) = open_studies(journal)
    begun = CommittedReport(study_key=study.key, version=1, changes=0, closing=True, worklist_row="{}", urgent=False)
    commit(journal, new.id)
    Studies(journal).commit_report(begun)
    assert [found.key for found in open_studies(journal)] == [study.key]
    Studies(journal).close(study.key)
    assert open_studies(journal) != []
    report(journal, study.key, 2)
    assert open_studies(journal) == []


def test_a_report_that_was_committed_and_not_switched_is_found_at_a_start(journal: Journal, tmp_path: Path) -> None:
    Instances(journal).add(new_instance())
    (study,) = open_studies(journal)
    report(journal, study.key, 1)
    journal = reopened(journal, tmp_path)
    found = Publications(journal).next(set())
    assert found is not None
    assert found.key == study.key
    Publications(journal).mark_published(study.key, 1)
    assert Publications(journal).next(set()) is None
    journal.close()


def test_a_study_that_turns_urgent_takes_what_it_still_owes_along(journal: Journal) -> None:
    Instances(journal).add(new_instance())
    (study,) = open_studies(journal)
    report(journal, study.key, 1, urgent=True)
    assert {row["urgent"] for row in journal.rows("SELECT urgent FROM deliveries")} == {1}


def test_readings_come_in_the_order_of_the_instances(journal: Journal) -> None:
    identity = StudyIdentity(study_instance_uid="1.2", patient_id="P1")
    first, second, third = (new_instance(study=identity) for _ in range(3))
    for new in (first, second, third):
        Instances(journal).add(new)
    for new in (third, first):
        commit(journal, new.id)
    (study,) = open_studies(journal)
    assert [reading.instance_id for reading in Studies(journal).readings(study.key)] == [first.id, third.id]
    assert not Studies(journal).is_whole(study.key)
    commit(journal, second.id)
    assert Studies(journal).is_whole(study.key)


def test_after_a_few_patients_with_one_study_uid_the_next_changes_no_report(journal: Journal) -> None:
    for number in range(MOST_SHARING + 1):
        Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.2", patient_id=f"P{number}")))
        for study in open_studies(journal):
            report(journal, study.key, study.version + 1)
    before = {study.key: study.changes for study in Studies(journal).newest(10)}
    Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.2", patient_id="another")))
    (new,) = open_studies(journal)
    assert new.identity.patient_id == "another"
    assert {study.key: study.changes for study in Studies(journal).newest(10) if study.key != new.key} == before
    assert len(Studies(journal).sharing_uid(new)) == MOST_SHARING


def test_a_start_takes_up_what_is_whole_and_what_lacks_readings(journal: Journal) -> None:
    unread, read, reported = (new_instance() for _ in range(3))
    for new in (unread, read, reported):
        Instances(journal).add(new)
    for new in (read, reported):
        commit(journal, new.id)
    whole, lacking = open_studies(journal)[2], open_studies(journal)[1]
    report(journal, whole.key, 1, closing=False)
    assert Studies(journal).to_take_up() == {lacking.key: True, whole.key: False}


# ---------------------------------------------------------------- which ones the worklist shows


def exam(journal: Journal, *states: InstanceState, published: bool = True) -> str:
    """An exam whose images have these states; returns its key."""
    images = [new_instance() for _ in states]
    for image, state in zip(images, states, strict=True):
        Instances(journal).add(replace(image, study=images[0].study))
        bring_to(journal, image.id, state)
    key = Studies(journal).newest(1)[0].key
    if published:
        report(journal, key, 1)
        Publications(journal).mark_published(key, 1)
    return key


def shown(journal: Journal, most: int = 10, least_others: int = 2) -> list[str]:
    return [study.key for study in ListedStudies(journal).newest(most, least_others)]


def test_pictures_that_nobody_can_read_push_no_exam_off_the_list(journal: Journal) -> None:
    exams = [exam(journal, "read") for _ in range(10)]
    junk = [exam(journal, "set_aside") for _ in range(30)]
    for _ in range(30):
        exam(journal, "received", published=False)
    found = shown(journal)
    assert set(exams) <= set(found)
    assert [key for key in found if key in junk] == []  # the newest are still waiting, so no other is looked for
    latest = [exam(journal, "set_aside") for _ in range(3)]
    assert shown(journal) == [latest[2], latest[1], *reversed(exams)]


def test_an_exam_with_one_image_that_was_read_is_an_exam_that_was_read(journal: Journal) -> None:
    first = exam(journal, "set_aside", "read", "set_aside")
    for _ in range(30):
        exam(journal, "set_aside")
    assert shown(journal)[-1] == first


def test_where_little_was_read_the_others_fill_the_list_newest_first(journal: Journal) -> None:
    keys = [exam(journal, "read"), *(exam(journal, "forward_only") for _ in range(12)), exam(journal, "read")]
    assert shown(journal) == [*reversed(keys[-9:]), keys[0]]


def test_exams_of_many_images_leave_room_for_the_others(journal: Journal) -> None:
    first = exam(journal, "read")
    states: list[InstanceState] = ["read"] * 70
    loop = exam(journal, *states)
    assert shown(journal) == [loop, first]


def test_an_exam_that_is_read_again_stays_on_the_list(journal: Journal) -> None:
    keys = [exam(journal, "read") for _ in range(5)]
    ids = [row["id"] for row in journal.rows("SELECT id FROM instances")]
    assert Instances(journal).read_again(ids) == 5
    assert shown(journal) == keys[::-1]
