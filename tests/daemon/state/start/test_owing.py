"""What becomes owed when a district is configured, or is sent more."""

import pytest

from leapfrog.exam import PictureIdentity
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryKind, NewInstance
from leapfrog.state.start.owing import NewlyOwed, owe_what_is_wanted
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_delivery, new_instance, original_delivery, report

ALL: tuple[DeliveryKind, ...] = ("original", "report_pdf", "overlay")

REPORT: tuple[DeliveryKind, ...] = ("report_pdf",)


def new_picture() -> NewInstance:
    new = new_instance()
    identity = PictureIdentity(
        study_instance_uid=new.study.study_instance_uid, series_instance_uid="2.25.8", sop_instance_uid="2.25.9"
    )
    return new_instance(id=new.id, study=new.study, sop_instance_uid="2.25.9", picture=identity, owed=False)


def test_originals_are_owed_once_a_district_is_configured_and_only_once(journal: Journal) -> None:
    Instances(journal).add(new_instance(owed=False))
    Instances(journal).add(new_instance(owed=True))
    Instances(journal).add(new_instance(owed=False, sop_instance_uid=""))
    assert owe_what_is_wanted(journal, ALL) == NewlyOwed(originals=1)
    assert owe_what_is_wanted(journal, ALL) == NewlyOwed()
    assert journal.counts("deliveries")["waiting"] == 2


def test_what_came_while_it_was_switched_off_is_owed_when_it_is_switched_on_again(journal: Journal) -> None:
    owe_what_is_wanted(journal, ALL)
    owe_what_is_wanted(journal, ())
    Instances(journal).add(new_instance(owed=False))
    assert owe_what_is_wanted(journal, ALL) == NewlyOwed(originals=1)


def test_a_renamed_instance_is_owed_too_and_under_its_new_uid(journal: Journal) -> None:
    read, unread = (new_instance(owed=False, forward_as=uid) for uid in ("2.25.7", "2.25.8"))
    for new in (read, unread):
        Instances(journal).add(new)
    commit(journal, read.id, "set_aside")
    assert owe_what_is_wanted(journal, ALL).originals == 2
    owed = original_delivery(journal, read.id)
    assert (owed["sop_instance_uid"], owed["spool_name"], owed["renamed"]) == ("2.25.7", read.spool_name, 1)
    assert original_delivery(journal, unread.id)["spool_name"] is None, "it may turn out to be the same image"
    commit(journal, unread.id)
    assert original_delivery(journal, unread.id)["spool_name"] == unread.spool_name


@pytest.mark.parametrize("state", ["read", "set_aside"])
def test_a_picture_is_read_again_after_what_is_new_so_that_its_wrapped_object_is_owed(
    journal: Journal, state: str
) -> None:
    picture, fresh = new_picture(), new_instance()
    Instances(journal).add(picture)
    commit(journal, picture.id, state)
    Instances(journal).add(fresh)
    assert owe_what_is_wanted(journal, ALL).pictures == 1
    chosen = [Instances(journal).begin_attempt() for _ in range(2)]
    assert [record.id if record else None for record in chosen] == [fresh.id, picture.id]


def test_finished_studies_whose_reports_were_never_sent_get_a_last_report_again(journal: Journal) -> None:
    unsent, sent, unread = (new_instance() for _ in range(3))
    for new in (unsent, sent, unread):
        Instances(journal).add(new)
    for new in (unsent, sent):
        commit(journal, new.id)
    keys = [record.study_key for record in reversed(Instances(journal).listed())]
    report(journal, keys[0], 1)
    report(journal, keys[1], 1)
    with journal.transaction() as connection:
        connection.execute("UPDATE studies SET derived_version = 0 WHERE key = ?", keys[:1])
    assert owe_what_is_wanted(journal, REPORT).studies == 1
    assert [Studies(journal).get(key).state for key in keys] == ["open", "quiet", "open"]


def test_an_object_is_owed_once_whoever_owes_it(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    ours = new_delivery()
    commit(journal, new.id, deliveries=(ours,))
    back = new_instance(sop_instance_uid=ours.sop_instance_uid)
    assert Instances(journal).add(back) == []
    assert journal.counts("deliveries")["waiting"] == 2, "our own object came back: it is kept, and not owed again"
    assert Deliveries(journal).listed("waiting")[1].id == ours.id
