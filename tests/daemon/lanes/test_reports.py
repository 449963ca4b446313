"""When a study's report is due, and that lanes which choose at the same time do not disturb each other."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest

from leapfrog.exam import Identity, ModelUsed
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.reports import _AGAIN_IN, Render, _Outcome
from leapfrog.signed_summary.signing import check_text
from leapfrog.state.instances import Instances
from leapfrog.state.prints import NewPrint, Prints
from leapfrog.state.publications import Publications
from leapfrog.state.records import StudyIdentity, StudyRecord
from leapfrog.state.spool import Spool
from leapfrog.state.station.station_key import station_key
from leapfrog.state.studies import MOST_SHARING, Studies
from leapfrog.wording.text import moment
from support.journal_rows import commit, new_instance, reading_of
from support.report_desk import ROW, Desk, reading_by


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between renders: they are the matter of the tests of the agenda."""
    for pause in ("RENDER_INTERVAL_SECONDS", "STUDY_PAUSE", "BOX_PAUSE", "IDLE_PAUSE"):
        monkeypatch.setattr(f"leapfrog.lanes.agenda.{pause}", 0.0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def test_a_study_that_one_lane_renders_is_given_to_no_other(desk: Desk) -> None:
    reports, met = desk.reports, list[Render | None]()

    def look_twice() -> None:
        met.extend((reports.claim_growing(), reports.claim_settled()))
        desk.read_one(study=desk.study().identity)
        met.extend((reports.claim_growing(), reports.claim_settled()))

    desk.pen.meanwhile = look_twice
    desk.render(reports.claim_growing())
    assert met == [None] * 4
    assert desk.study().version == 1
    again = reports.claim_settled()
    assert again is not None
    assert (again.study.version, again.closing) == (1, False)


def test_a_report_that_is_overtaken_by_one_that_is_shown_is_rendered_again_under_a_newer_version(
    tmp_path: Path,
) -> None:
    """As when a start finds that the journal is an older copy, while a lane renders already."""
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    key = desk.study().key
    desk.render(desk.reports.claim_growing())
    desk.pen.meanwhile = lambda: desk.studies.restore(key, 8, "{}", urgent=False, readings=())
    desk.render(desk.reports.claim_settled())
    assert (desk.study().version, desk.study().state) == (8, "open")
    assert Spool(tmp_path / "spool", 0).names() == []
    desk.pen.meanwhile = lambda: None
    while render := desk.reports.claim_settled():
        desk.render(render)
    assert desk.study().version > 8
    assert desk.study().state == "quiet"
    desk.journal.close()


def test_a_closing_version_is_rendered_by_one_lane_although_many_look(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.render(desk.reports.claim_growing())
    at_once = threading.Barrier(8)
    claimed: list[Render | None] = []

    def look() -> None:
        at_once.wait()
        claimed.append(desk.reports.claim_settled())

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (render,) = [one for one in claimed if one]
    assert render.closing
    desk.render(render)
    assert desk.reports.claim_settled() is None
    assert [job.version for job in desk.pen.jobs] == [1, 2]
    desk.journal.close()


def test_what_is_looked_at_is_the_study_as_it_is_once_it_was_claimed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another lane commits a reading between the moment of the claim and the look at the journal."""
    look = Studies.find

    def be_overtaken(studies: Studies, key: str) -> StudyRecord | None:
        monkeypatch.setattr(Studies, "find", look)
        desk.read_one(study=desk.study().identity)
        return look(studies, key)

    monkeypatch.setattr(Studies, "find", be_overtaken)
    desk.render(desk.reports.claim_growing())
    assert len(desk.pen.jobs[0].readings) == 2
    desk.render(desk.reports.claim_settled())
    assert (desk.study().state, len(desk.pen.jobs)) == ("quiet", 1)


def test_a_report_that_fails_is_put_off_and_does_not_count_as_a_version(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.agenda.RENDER_INTERVAL_SECONDS", 2.0)
    desk.pen.fails = True
    desk.render(desk.reports.claim_growing())
    assert desk.study().version == 0
    assert desk.reports.claim_growing() is None
    assert desk.reports.claim_settled() is None


def test_a_report_that_fails_again_and_again_is_told_of_until_it_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.agenda.RENDER_PAUSE_LIMIT_SECONDS", 0.0)
    desk.pen.fails = True
    told = list[int]()
    for _ in range(3):
        desk.render(desk.reports.claim_settled())
        told.append(len(desk.reports.problems()))
    assert told == [0, 0, 1]
    desk.pen.fails = False
    desk.render(desk.reports.claim_settled())
    assert desk.reports.problems() == ()


@pytest.mark.parametrize(("problem", "is_told"), [(ValueError(), True), (OSError(errno.ENOSPC, ""), False)])
def test_a_report_over_which_leapfrog_itself_fails_is_told_of_too_unless_the_disk_is_to_blame(
    problem: Exception, is_told: bool, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.agenda.RENDER_PAUSE_LIMIT_SECONDS", 0.0)
    monkeypatch.setitem(_AGAIN_IN, _Outcome.REFUSED, 0.0)

    def fail() -> None:
        raise problem

    desk.pen.meanwhile = fail
    for _ in range(3):
        with pytest.raises(type(problem)):
            desk.render(desk.reports.claim_settled())
    assert bool(desk.reports.problems()) is is_told


def test_a_report_that_is_made_and_cannot_be_kept_is_told_of_until_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.agenda.RENDER_PAUSE_LIMIT_SECONDS", 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(Studies, "commit_report", Mock(side_effect=ValueError))
        for _ in range(3):
            with pytest.raises(ValueError):
                desk.render(desk.reports.claim_settled())
    assert desk.reports.problems()
    desk.render(desk.reports.claim_settled())
    assert desk.reports.problems() == ()


def test_a_sheet_over_which_leapfrog_itself_fails_is_not_tried_for_ever(desk: Desk) -> None:
    desk.render(desk.reports.claim_growing())
    asked = NewPrint(id="a" * 16, version=1, result="", printer="laser", copies=1, page_size="A4", on_request=True)
    Prints(desk.journal).add(asked, desk.study().key)
    desk.reports.sheet_is_wanted()

    def fail() -> None:
        raise ValueError

    desk.pen.meanwhile = fail
    tries = 0
    while (record := desk.reports.claim_sheet()) is not None and tries < 10:
        tries += 1
        with pytest.raises(ValueError):
            desk.reports.render_sheet(cast(Lane, desk.pen), record)
    assert tries == 3


def test_a_pdf_of_an_attempt_that_came_to_nothing_is_none_of_the_next_attempt(desk: Desk, tmp_path: Path) -> None:
    """It lacks what was read since: the exam would be closed with it."""
    desk.render(desk.reports.claim_growing())
    left = tmp_path / "rendered" / desk.study().key / "report-2.pdf"
    left.touch()
    desk.read_one(study=desk.study().identity)
    desk.render(desk.reports.claim_growing())
    assert (desk.study().version, left.exists()) == (2, False)


def test_what_the_last_run_left_open_is_taken_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    Instances(desk.journal).add(new_instance(owed=False))  # unread: its reading will bring it up
    restarted = desk.restarted()
    restarted.look_for_open_studies()
    render = restarted.claim_settled()
    assert render is not None
    assert (render.study.changed, render.closing) == (True, False)
    assert restarted.claim_settled() is None
    desk.journal.close()


def test_a_report_is_given_the_earlier_exams_of_its_patient(desk: Desk) -> None:
    whose = Identity(patient_id="KIT-42", birth_date="19840217")
    for _ in range(2):
        new = new_instance(owed=False)
        identity = StudyIdentity(study_instance_uid=new.study.study_instance_uid, patient_id="KIT-42")
        new = new_instance(owed=False, study=identity)
        Instances(desk.journal).add(new)
        commit(desk.journal, new.id, reading=reading_of(new.id).model_copy(update={"identity": whose}))
        desk.reports.changed(desk.study().key)
        while render := desk.reports.claim_settled():
            desk.render(render)
        Publications(desk.journal).mark_published(desk.study().key, desk.study().version)
    jobs = [job for job in desk.pen.jobs if job.readings[0].identity == whose]
    first = desk.studies.get(jobs[0].study_key)
    assert jobs[0].earlier_exams == ()
    [earlier] = jobs[-1].earlier_exams
    assert earlier.href == f"../../{first.received_date}/{first.key}/report.html"
    assert (earlier.exam, earlier.received, earlier.images) == (ROW.exam, moment(first.received_at), ROW.images)
    assert (earlier.taken, earlier.mark, earlier.headline) == ("2026-11-02", "▲", ROW.headline)


def test_a_machine_that_gives_every_patient_the_same_study_uid_costs_no_more_with_each(desk: Desk) -> None:
    uid = "1.2.same"
    for number in range(30):
        desk.read_one(study=StudyIdentity(study_instance_uid=uid, patient_id=f"P{number}"))
        while render := desk.reports.claim_growing():
            desk.render(render)
    while render := desk.reports.claim_settled():
        desk.render(render)
    assert max(len(job.other_patient_ids) for job in desk.pen.jobs) == MOST_SHARING
    assert len(desk.pen.jobs) < 30 + 3 * MOST_SHARING**2
    late = len(desk.pen.jobs)
    desk.read_one(study=StudyIdentity(study_instance_uid=uid, patient_id="another"))
    while render := desk.reports.claim_growing() or desk.reports.claim_settled():
        desk.render(render)
    assert len(desk.pen.jobs) == late + 1


def test_the_last_version_closes_the_study_and_a_late_image_opens_it_again(desk: Desk) -> None:
    reports = desk.reports
    desk.render(reports.claim_growing())
    assert desk.study().state == "open"
    desk.render(reports.claim_settled())
    assert desk.study().state == "quiet"
    assert [job.version for job in desk.pen.jobs] == [1]  # nothing had changed: the closing version is the same
    desk.read_one(study=desk.study().identity)
    assert desk.study().state == "open"
    desk.render(reports.claim_growing())
    assert desk.reported == [1, 2]  # each was committed when the publisher heard of it


def test_a_finished_exam_has_a_pdf_and_a_code_of_its_last_version(desk: Desk, tmp_path: Path) -> None:
    desk.key = key = station_key(tmp_path)
    desk.studies.give_numbers({desk.study().key: "K7-42F"})
    desk.reports = reports = desk.restarted()
    reports.look_for_open_studies()
    desk.render(reports.claim_settled())
    desk.read_one(study=desk.study().identity)
    desk.render(reports.claim_growing())
    grown = desk.study()
    assert [job.pdf for job in desk.pen.jobs] == [True, False], "an exam of one image has its PDF at once"
    desk.render(reports.claim_settled())
    closed, last = desk.study(), desk.pen.jobs[-1]
    assert (closed.version, closed.state) == (grown.version + 1, "quiet")
    assert last.pdf and len(last.readings) == 2
    summary = check_text(last.code, {key.id: key.public_key}).summary
    assert summary is not None and summary.report_version == closed.version
    folder = last.report_dir
    assert [path.name for path in folder.glob("*.pdf")] == [f"report-{closed.version}.pdf"]
    desk.studies.reopen(closed.key)
    desk.reports.mark(closed.key)
    desk.render(reports.claim_settled())
    assert desk.study().version == closed.version, "nothing is made twice"


def test_the_first_report_has_no_pdf_while_images_of_the_exam_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    waiting = desk.receive_one()
    desk.render(desk.reports.claim_growing())
    desk.read_received(waiting)
    desk.render(desk.reports.claim_growing())
    desk.render(desk.reports.claim_settled())
    assert [job.pdf for job in desk.pen.jobs] == [False, False, True]
    assert desk.study().state == "quiet"


def test_what_is_urgent_has_its_pdf_although_images_of_the_exam_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.receive_one()
    desk.render(desk.reports.claim_growing())
    desk.read_urgent("Pneumothorax")
    desk.render(desk.reports.claim_growing())
    desk.read_urgent("Pneumothorax")  # as was told before
    desk.render(desk.reports.claim_growing())
    assert [job.pdf for job in desk.pen.jobs] == [False, True, False]


def test_a_sheet_that_is_asked_for_has_the_code_of_the_version_that_it_names(desk: Desk, tmp_path: Path) -> None:
    desk.key = key = station_key(tmp_path)
    desk.studies.give_numbers({desk.study().key: "K7-42F"})
    desk.reports = reports = desk.restarted()
    reports.look_for_open_studies()
    desk.render(reports.claim_settled())
    study, prints = desk.study(), Prints(desk.journal)
    asked = NewPrint(id="a" * 16, version=1, result="", printer="laser", copies=1, page_size="A4", on_request=True)
    prints.add(asked, study.key)
    reports.sheet_is_wanted()
    record = reports.claim_sheet()
    assert record is not None
    reports.render_sheet(cast(Lane, desk.pen), record)
    job = desk.pen.jobs[-1]
    summary = check_text(job.code, {key.id: key.public_key}).summary
    assert summary is not None and job.only_sheet
    assert summary.report_version == job.version == study.version


def test_a_sheet_waits_for_the_report_that_has_a_reading_which_came_meanwhile(desk: Desk) -> None:
    reports = desk.reports
    desk.render(reports.claim_growing())
    study, prints = desk.study(), Prints(desk.journal)
    asked = NewPrint(id="a" * 16, version=1, result="", printer="laser", copies=1, page_size="A4", on_request=True)
    prints.add(asked, study.key)
    reports.sheet_is_wanted()
    record = reports.claim_sheet()
    assert record is not None
    desk.read_one(study=study.identity)
    reports.render_sheet(cast(Lane, desk.pen), record)
    assert not any(job.only_sheet for job in desk.pen.jobs)
    assert reports.claim_sheet() is None, "its report is made anew first"


def test_the_outbox_is_woken_when_what_a_closing_report_owes_waits_and_not_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.render(desk.reports.claim_growing())
    assert desk.waiting_when_woken == []
    desk.render(desk.reports.claim_settled())
    assert desk.waiting_when_woken == [5]
    desk.journal.close()


def test_a_study_that_opened_for_nothing_new_closes_without_sending_its_report_twice(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.render(desk.reports.claim_growing())
    desk.render(desk.reports.claim_settled())
    sent = desk.journal.counts("deliveries")["waiting"]
    assert (desk.study().state, sent) == ("quiet", 5)
    with desk.journal.transaction() as connection:  # as for the same image in another transfer syntax
        connection.execute("UPDATE studies SET state = 'open'")
    desk.reports.changed(desk.study().key)
    assert desk.reports.claim_growing() is None
    desk.render(desk.reports.claim_settled())
    assert (desk.study().state, desk.study().version) == ("quiet", 2)
    assert desk.journal.counts("deliveries")["waiting"] == sent
    desk.journal.close()


OLD_MODEL = ModelUsed(name="chest", version="0.1.0", device="cpu", demonstration=True)


def marked(desk: Desk) -> tuple[str, ...]:
    """The replaced models that the newest report names, after everything that is due was rendered."""
    while render := desk.reports.claim_growing() or desk.reports.claim_settled():
        desk.render(render)
    return desk.study().replaced_models


def test_a_report_whose_model_was_replaced_is_made_again_and_nothing_is_owed_for_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.models_in_use.update(chest="0.1.0")
    desk.read_with(OLD_MODEL)
    assert marked(desk) == ()
    before, owed = desk.study(), desk.journal.count("deliveries")
    assert before.derived_version == before.version
    desk.models_in_use.update(chest="0.2.0")
    assert desk.studies.reopen(before.key)
    desk.reports.mark(before.key)
    assert marked(desk) == ("chest 0.1.0",)
    after = desk.study()
    assert (after.version, after.state, after.derived_version) == (before.version + 1, "quiet", before.version + 1)
    assert desk.journal.count("deliveries") == owed
    desk.journal.close()


def test_a_report_that_says_all_that_there_is_to_say_is_not_made_again(desk: Desk) -> None:
    desk.models_in_use.update(chest="0.1.0")
    desk.read_with(OLD_MODEL)
    assert marked(desk) == ()
    before = desk.study()
    desk.studies.reopen(before.key)
    desk.reports.mark(before.key)
    assert marked(desk) == ()
    assert (desk.study().version, desk.study().state) == (before.version, "quiet")


def test_an_exam_that_is_read_again_by_the_new_model_is_marked_no_longer(desk: Desk) -> None:
    desk.models_in_use.update(chest="0.2.0")
    desk.read_with(OLD_MODEL)
    assert marked(desk) == ("chest 0.1.0",)
    Instances(desk.journal).read_again([one.id for one in Instances(desk.journal).listed()])
    for one in Instances(desk.journal).listed():
        commit(desk.journal, one.id, reading=reading_by(one.id, OLD_MODEL.model_copy(update={"version": "0.2.0"})))
    desk.reports.changed(desk.study().key)
    assert marked(desk) == ()


def test_a_sheet_gets_a_code_that_the_box_signed_for_this_very_version(desk: Desk, tmp_path: Path) -> None:
    desk.key = key = station_key(tmp_path)
    desk.reports = desk.restarted()
    desk.reports.look_for_open_studies()
    desk.studies.give_numbers({desk.study().key: "K7-42F"})
    desk.render(desk.reports.claim_settled())
    desk.render(desk.reports.claim_settled())
    for version, job in enumerate(desk.pen.jobs, start=1):
        summary = check_text(job.code, {key.id: key.public_key}).summary
        assert summary is not None
        assert (summary.exam_number, summary.report_version) == ("K7-42F", version)
        assert job.made_at


@pytest.mark.parametrize("lacks", ["key", "number"])
def test_a_sheet_has_no_code_without_a_key_or_a_number(lacks: str, desk: Desk, tmp_path: Path) -> None:
    if lacks == "number":
        desk.key = station_key(tmp_path)
    else:
        desk.studies.give_numbers({desk.study().key: "K7-42F"})
    desk.reports = desk.restarted()
    desk.reports.look_for_open_studies()
    desk.render(desk.reports.claim_settled())
    assert [job.code for job in desk.pen.jobs] == [""]


def test_a_report_whose_code_cannot_be_made_comes_without_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_values: object) -> None:
        raise MemoryError  # as the hash of the patient's number does

    monkeypatch.setattr("leapfrog.lanes.sheet_code.summary_of", fail)
    desk.key = station_key(tmp_path)
    desk.studies.give_numbers({desk.study().key: "K7-42F"})
    desk.reports = desk.restarted()
    desk.reports.look_for_open_studies()
    desk.render(desk.reports.claim_settled())
    assert ([job.code for job in desk.pen.jobs], desk.study().version) == ([""], 1)


def test_a_sheet_of_a_large_exam_is_made_on_the_side_lane(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.lanes.reports.LARGE_EXAM", 1)
    looks = list[None]()
    reports = desk.restarted(on_large=lambda: looks.append(None))
    reports.look_for_open_studies()
    assert reports.claim_settled() is None
    assert looks == [None]
    desk.reports = reports
    desk.render(reports.claim_settled(large=True))
    asked = NewPrint(id="a" * 16, version=1, result="", printer="laser", copies=1, page_size="A4", on_request=True)
    Prints(desk.journal).add(asked, desk.study().key)
    reports.sheet_is_wanted()
    assert reports.claim_sheet() is None
    assert reports.claim_sheet(large=True) is not None


@pytest.mark.parametrize("url", ["", "http://district.example/dicom-web"])
def test_what_is_urgent_in_a_large_exam_is_not_left_to_the_side_lane(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives way to all films. Once that is told, it makes this exam's reports as it does others."""
    monkeypatch.setattr("leapfrog.lanes.reports.LARGE_EXAM", 1)
    desk = Desk(tmp_path, url)
    desk.reports = reports = desk.restarted(on_large=lambda: None)
    reports.look_for_open_studies()
    assert reports.claim_settled() is None
    desk.render(reports.claim_settled(large=True))
    desk.read_urgent("Pneumothorax")
    assert reports.claim_growing(large=True) is None
    desk.render(reports.claim_growing())
    desk.read_urgent("Pneumothorax")
    assert reports.claim_growing() is None
    desk.render(reports.claim_growing(large=True))
    assert [len(job.readings) for job in desk.pen.jobs] == [1, 2, 3]
    desk.journal.close()


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A box that sends, and whose one exam is large; the side lane has made its report."""
    monkeypatch.setattr("leapfrog.lanes.reports.LARGE_EXAM", 1)
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.reports = desk.restarted(on_large=lambda: None)
    desk.reports.look_for_open_studies()
    assert desk.reports.claim_settled() is None
    desk.render(desk.reports.claim_settled(large=True))
    yield desk
    desk.journal.close()


def test_what_is_urgent_in_a_large_exam_is_shown_by_a_page_alone_and_the_side_lane_tells_it(large: Desk) -> None:
    large.read_urgent("Pneumothorax")
    large.render(large.reports.claim_growing())
    assert large.reports.claim_growing() is None
    assert large.waiting_when_woken == []
    large.render(large.reports.claim_growing(large=True))
    assert [(job.pdf, bool(job.derived)) for job in large.pen.jobs[1:]] == [(False, False), (True, True)]
    assert len(large.waiting_when_woken) == 1
    assert large.reports.claim_growing(large=True) is None, "all is told"
    large.render(large.reports.claim_settled(large=True))
    assert (large.study().state, len(large.pen.jobs)) == ("quiet", 3)


def test_a_report_of_the_side_lane_gives_way_to_what_is_urgent_in_the_same_exam(large: Desk) -> None:
    def read_meanwhile() -> None:
        large.pen.meanwhile = lambda: None
        large.read_one(study=large.study().identity)
        large.read_urgent("Pneumothorax")
        large.read_urgent("Pneumothorax")

    large.pen.meanwhile = read_meanwhile
    large.render(large.reports.claim_settled(large=True))
    assert large.pen.given_up[0] is large.pen.jobs[1]
    assert (large.study().version, large.study().state) == (1, "open")
    large.render(large.reports.claim_growing())
    assert [len(job.readings) for job in large.pen.jobs] == [1, 1, 4]
    large.pen.meanwhile = lambda: large.read_urgent("Pneumothorax")
    large.render(large.reports.claim_growing(large=True))
    assert large.study().version == 3, "one more of the kind that is shown is none to give way to"


def test_what_is_urgent_in_an_exam_that_was_left_open_is_not_left_to_the_side_lane(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.reports.LARGE_EXAM", 1)
    desk.read_urgent("Pneumothorax")
    desk.reports = desk.restarted(on_large=lambda: None)
    desk.reports.look_for_open_studies()
    desk.render(desk.reports.claim_settled())
    assert len(desk.pen.jobs) == 1


def test_what_is_urgent_no_more_is_followed_by_nothing_and_is_urgent_when_it_is_found_again(large: Desk) -> None:
    large.read_urgent("Pneumothorax")
    large.render(large.reports.claim_growing())
    [found] = [one.instance_id for one in large.pen.jobs[-1].readings if one.findings]
    Instances(large.journal).read_again([found])
    large.read_received(found)
    large.render(large.reports.claim_growing(large=True))
    assert large.reports.claim_growing(large=True) is None, "all is told"
    large.read_urgent("Pneumothorax")
    large.render(large.reports.claim_growing())
    large.render(large.reports.claim_growing(large=True))
    assert [bool(job.derived) for job in large.pen.jobs[-2:]] == [False, True]
