"""What of a report is sent: one current result at each destination, urgent ones at once, and nothing outdated."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.lanes import agenda
from leapfrog.lanes.results import DERIVED_KINDS
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.records import DeliveryRecord
from support.report_desk import Desk

RESULTS = ("structured_report", "report_pdf", "segmentation", "overlay")


def destination(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "url": f"http://{name}.example/dicom-web", **values}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RENDER_INTERVAL_SECONDS", "STUDY_PAUSE", "BOX_PAUSE", "IDLE_PAUSE"):
        monkeypatch.setattr(agenda, name, 0.0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Two destinations that get everything."""
    desk = Desk(tmp_path, destinations=[destination("north"), destination("south")])
    yield desk
    desk.journal.close()


def owed(desk: Desk, state: str | None = None) -> list[DeliveryRecord]:
    deliveries = Deliveries(desk.journal)
    found = [deliveries.get(one) for one in deliveries.ids_of(desk.study().key)]
    return [one for one in found if one is not None and state in (None, one.state)]


def one_of(desk: Desk, kind: str, destination: str, state: str = "waiting") -> DeliveryRecord:
    [found] = [one for one in owed(desk, state) if (one.kind, one.destination) == (kind, destination)]
    return found


def close(desk: Desk) -> None:
    """Render until the study is quiet."""
    while render := desk.reports.claim_settled():
        desk.render(render)
    assert desk.study().state == "quiet"


def add_and_close(desk: Desk) -> None:
    desk.read_one(study=desk.study().identity)
    close(desk)


def files(desk: Desk) -> set[str]:
    return {name for name in desk.spool.names() if name.endswith(".dcm")}


def replaced(desk: Desk) -> dict[str, str]:
    return {one.role: one.sop_instance_uid for one in desk.pen.jobs[-1].replaces}


# ---------------------------------------------------------------- versions


def test_each_kind_is_owed_to_each_destination_once_and_they_share_a_file(desk: Desk) -> None:
    close(desk)
    assert Counter(one.kind for one in owed(desk, "waiting")) == dict.fromkeys(DERIVED_KINDS, 2)
    assert len({one.spool_name for one in owed(desk)}) == len(DERIVED_KINDS) == len(files(desk))


def test_results_that_were_sent_nowhere_give_way_to_a_newer_version_with_their_files(desk: Desk) -> None:
    close(desk)
    first = {one.id for one in owed(desk) if one.kind in RESULTS}
    add_and_close(desk)
    assert {one.id for one in owed(desk, "superseded")} == first
    assert not replaced(desk), "nobody has it"
    assert files(desk) == {one.spool_name for one in owed(desk, "waiting")}


def test_a_version_replaces_what_one_destination_was_sent_and_the_other_gets_the_new_one_alone(desk: Desk) -> None:
    close(desk)
    version = desk.study().version
    sent = one_of(desk, "structured_report", "north")
    Deliveries(desk.journal).mark_posted(sent.id)
    Deliveries(desk.journal).confirm(sent.id)
    add_and_close(desk)
    job = desk.pen.jobs[-1]
    assert [(one.role, one.version, one.sop_instance_uid) for one in job.replaces] == [
        ("structured_report", version, sent.sop_instance_uid)
    ]
    assert job.replaces[0].series_instance_uid.startswith("2.25.")
    assert one_of(desk, "structured_report", "south", "superseded").spool_name == sent.spool_name
    assert sent.spool_name in files(desk), "the next version names it too, by what its file says of itself"
    for name in ("north", "south"):
        assert one_of(desk, "structured_report", name).sop_instance_uid != sent.sop_instance_uid


def test_where_a_version_never_arrived_the_next_one_replaces_the_one_before_it(desk: Desk) -> None:
    close(desk)
    for name in ("north", "south"):
        Deliveries(desk.journal).confirm(one_of(desk, "structured_report", name).id)
    first = one_of(desk, "structured_report", "south", "confirmed")
    add_and_close(desk)
    second = one_of(desk, "structured_report", "north")
    Deliveries(desk.journal).confirm(second.id)
    add_and_close(desk)
    assert [one.sop_instance_uid for one in desk.pen.jobs[-1].replaces] == [
        first.sop_instance_uid,
        second.sop_instance_uid,
    ]


def test_what_may_have_been_sent_counts_as_sent_and_is_not_sent_again(desk: Desk) -> None:
    close(desk)
    begun = one_of(desk, "report_pdf", "south")
    Deliveries(desk.journal).mark_posted(begun.id)
    add_and_close(desk)
    assert replaced(desk) == {"report_pdf": begun.sop_instance_uid}
    assert one_of(desk, "report_pdf", "south", "superseded").posted
    add_and_close(desk)
    assert replaced(desk) == {"report_pdf": begun.sop_instance_uid}, "the second was sent nowhere"


def test_a_refused_result_was_not_sent_and_needs_nobody_once_there_is_a_newer_one(desk: Desk) -> None:
    close(desk)
    refused = one_of(desk, "overlay", "north")
    Deliveries(desk.journal).mark_posted(refused.id)
    Deliveries(desk.journal).refuse(refused.id, "too large")
    add_and_close(desk)
    assert not owed(desk, "refused")
    assert not replaced(desk)


def test_what_a_new_version_has_none_of_is_superseded_too(desk: Desk) -> None:
    close(desk)
    desk.pen.leaves_out = frozenset({"overlay", "segmentation"})
    add_and_close(desk)
    assert {one.kind for one in owed(desk, "waiting")} == {"structured_report", "report_pdf", "preview"}


def test_a_result_whose_sending_begins_while_the_next_is_rendered_is_named_by_it(desk: Desk) -> None:
    close(desk)
    begun = one_of(desk, "structured_report", "north")

    def begins_now() -> None:
        desk.pen.meanwhile = lambda: None
        Deliveries(desk.journal).mark_posted(begun.id)

    desk.pen.meanwhile = begins_now
    add_and_close(desk)
    assert replaced(desk) == {"structured_report": begun.sop_instance_uid}
    assert len([one for one in owed(desk, "waiting") if one.kind == "structured_report"]) == 2
    assert files(desk) == {one.spool_name for one in owed(desk) if one.spool_name}, "none of the version given up"


def test_previews_are_copies_of_images_and_never_superseded(desk: Desk) -> None:
    close(desk)
    uids = {one.sop_instance_uid for one in owed(desk) if one.kind == "preview"}
    add_and_close(desk)
    assert set(desk.pen.jobs[-1].known_previews) == uids
    assert not [one for one in owed(desk, "superseded") if one.kind == "preview"]


def test_a_result_on_its_way_that_was_superseded_meanwhile_is_left_alone_by_the_sender(desk: Desk) -> None:
    from leapfrog.errors import JournalError

    close(desk)
    begun = one_of(desk, "structured_report", "north")
    Deliveries(desk.journal).mark_posted(begun.id)
    add_and_close(desk)
    with pytest.raises(JournalError):  # which the sender takes for: somebody else ended it
        Deliveries(desk.journal).confirm(begun.id)
    assert one_of(desk, "structured_report", "north", "superseded").posted


# ---------------------------------------------------------------- urgent


def test_an_urgent_exam_is_sent_before_it_is_quiet_and_its_closing_sends_nothing_more(desk: Desk) -> None:
    desk.read_urgent("Pneumothorax")
    desk.render(desk.reports.claim_growing())
    assert Counter(one.kind for one in owed(desk, "waiting")) == dict.fromkeys(DERIVED_KINDS, 2)
    assert desk.study().state == "open"
    before = len(owed(desk))
    close(desk)
    assert (desk.study().version, len(owed(desk))) == (1, before)


def test_a_growing_exam_is_sent_once_for_each_kind_of_urgent_finding_and_at_its_end(desk: Desk) -> None:
    made = []
    for names in (("Pneumothorax",), ("Pneumothorax",), ("Effusion",), ("Pneumothorax", "Effusion"), ()):
        desk.read_urgent(*names)
        desk.render(desk.reports.claim_settled())
        made.append(bool(desk.pen.jobs[-1].derived))
    assert made == [True, False, True, False, False]
    close(desk)
    assert desk.pen.jobs[-1].derived
    assert len([one for one in owed(desk, "waiting") if one.kind == "structured_report"]) == 2


def test_after_a_start_an_urgent_exam_may_be_told_once_more_but_keeps_one_current_result(desk: Desk) -> None:
    desk.read_urgent("Pneumothorax")
    desk.render(desk.reports.claim_growing())
    desk.reports = desk.restarted()
    desk.read_urgent("Pneumothorax")
    desk.render(desk.reports.claim_settled())
    assert len([one for one in owed(desk, "waiting") if one.kind == "structured_report"]) == 2


# ---------------------------------------------------------------- rules of destinations


def test_an_image_that_does_not_tell_its_modality_may_be_of_any(tmp_path: Path) -> None:
    desk = Desk(tmp_path, destinations=[destination("mri", modalities=["MR"])])
    close(desk)
    assert {one.destination for one in owed(desk)} == {"mri"}
    desk.journal.close()


def test_who_was_told_that_it_is_urgent_is_told_that_it_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, destinations=[destination("emergency", only_urgent=True)])
    desk.read_urgent("Pneumothorax")
    desk.render(desk.reports.claim_growing())
    told = one_of(desk, "report_pdf", "emergency")
    Deliveries(desk.journal).mark_posted(told.id)
    Deliveries(desk.journal).confirm(told.id)
    with desk.journal.transaction() as connection:  # as after a reread with another model
        connection.execute("UPDATE instances SET reading = json_set(reading, '$.findings', json('[]'))")
    desk.studies.report_again(desk.study().key)
    desk.reports.mark(desk.study().key)
    close(desk)
    assert one_of(desk, "report_pdf", "emergency").sop_instance_uid != told.sop_instance_uid
    desk.journal.close()


def test_an_urgent_result_that_holds_no_more_is_not_sent_when_the_link_is_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, destinations=[destination("emergency", only_urgent=True)])
    desk.read_urgent("Pneumothorax")
    desk.render(desk.reports.claim_growing())
    waiting = one_of(desk, "report_pdf", "emergency")
    with desk.journal.transaction() as connection:  # as after a reread with another model
        connection.execute("UPDATE instances SET reading = json_set(reading, '$.findings', json('[]'))")
    desk.studies.report_again(desk.study().key)
    desk.reports.mark(desk.study().key)
    close(desk)
    after = Deliveries(desk.journal).get(waiting.id)
    assert after is not None and after.state == "superseded"
    desk.journal.close()


def test_nothing_is_made_of_an_exam_that_no_destination_wants(tmp_path: Path) -> None:
    desk = Desk(tmp_path, destinations=[destination("emergency", only_urgent=True)])
    close(desk)
    assert not any(job.derived for job in desk.pen.jobs)
    assert not owed(desk) and not files(desk)
    desk.journal.close()
