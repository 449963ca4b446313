"""What becomes owed when a district is configured, or is sent more."""

from dataclasses import replace
from datetime import date

import pytest

from leapfrog.exam import ImageHeader, PictureIdentity
from leapfrog.settings import DestinationSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import NewInstance
from leapfrog.state.spool import Spool
from leapfrog.state.start.owing import NewlyOwed, owe_what_is_wanted
from leapfrog.state.studies import Studies
from support.destinations import a_destination, a_district
from support.journal_rows import commit, new_delivery, new_instance, original_delivery, reading_of, report

DISTRICT = a_district()
PROVINCE = a_destination("province")
SENT_PAPERS = a_destination("province", send=["original", "report_pdf"])


def owe(journal: Journal, *destinations: DestinationSettings) -> NewlyOwed:
    """What a start with these destinations in the settings does."""
    return owe_what_is_wanted(journal, Recipients(destinations), Spool(journal.path.parent / "spool", 0))


def owed_to(journal: Journal, name: str) -> list[str]:
    """The instances whose originals are owed to a destination, or were."""
    rows = journal.rows(
        "SELECT instance_id FROM deliveries WHERE destination = ? AND kind = 'original' ORDER BY sequence", (name,)
    )
    return [row["instance_id"] for row in rows]


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
    assert owe(journal, DISTRICT) == NewlyOwed(originals=1)
    assert owe(journal, DISTRICT) == NewlyOwed()
    assert journal.counts("deliveries")["waiting"] == 2


def test_what_came_while_it_was_switched_off_is_owed_when_it_is_switched_on_again(journal: Journal) -> None:
    owe(journal, DISTRICT)
    owe(journal)
    Instances(journal).add(new_instance(owed=False))
    assert owe(journal, DISTRICT) == NewlyOwed(originals=1)


def test_a_renamed_instance_is_owed_too_and_under_its_new_uid(journal: Journal) -> None:
    read, unread = (new_instance(owed=False, forward_as=uid) for uid in ("2.25.7", "2.25.8"))
    for new in (read, unread):
        Instances(journal).add(new)
    commit(journal, read.id, "set_aside")
    assert owe(journal, DISTRICT).originals == 2
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
    assert owe(journal, DISTRICT).pictures == 1
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
        connection.execute("DELETE FROM deliveries WHERE study_key = ? AND kind = 'report_pdf'", keys[:1])
    assert owe(journal, a_district(send=["report_pdf"])).studies == 1
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


# ------------------------------------------------------------ several destinations


def test_a_destination_that_is_added_gets_what_comes_from_then_on(journal: Journal) -> None:
    owe(journal, DISTRICT)
    before, later = new_instance(), new_instance(owed_to=("district", "province"))
    Instances(journal).add(before)
    assert owe(journal, DISTRICT, PROVINCE) == NewlyOwed()
    Instances(journal).add(later)
    assert owe(journal, DISTRICT, PROVINCE) == NewlyOwed()
    assert owed_to(journal, "district") == [before.id, later.id]
    assert owed_to(journal, "province") == [later.id]


def test_one_that_is_added_with_a_day_gets_what_came_since_that_day_and_the_reports_that_others_got(
    journal: Journal,
) -> None:
    owe(journal, DISTRICT)
    old, same_day, next_day = (
        new_instance(received_at=f"{day}T08:00:00+00:00") for day in ("2026-01-30", "2026-01-31", "2026-02-01")
    )
    for new in (old, same_day, next_day):
        Instances(journal).add(new)
        commit(journal, new.id)
        report(journal, new.id, 1)
    since = a_destination("province", since="2026-01-31", send=["original", "report_pdf"])
    assert owe(journal, DISTRICT, since) == NewlyOwed(originals=2, results=2)
    assert owed_to(journal, "province") == [same_day.id, next_day.id]
    shared = journal.rows(
        "SELECT sop_instance_uid, spool_name FROM deliveries WHERE kind = 'report_pdf'"
        " GROUP BY sop_instance_uid, spool_name HAVING count(*) = 2"
    )
    assert len(shared) == 2, "the same objects, each in one file"
    assert owe(journal, DISTRICT, since) == NewlyOwed()


def test_what_nobody_has_of_a_report_yet_is_made_for_the_one_that_is_added_with_a_day(journal: Journal) -> None:
    owe(journal, DISTRICT)
    new = new_instance(received_at="2026-02-01T08:00:00+00:00")
    Instances(journal).add(new)
    commit(journal, new.id)
    report(journal, new.id, 1)
    since = a_destination("province", since="2026-01-31", send=["structured_report"])
    assert owe(journal, DISTRICT, since) == NewlyOwed(studies=1)
    study = Studies(journal).get(new.id)
    assert (study.state, study.derived_version) == ("open", 0)


def test_a_picture_that_was_wrapped_for_one_destination_is_not_read_again_for_another(journal: Journal) -> None:
    owe(journal, DISTRICT)
    picture = new_picture()
    Instances(journal).add(picture)
    wrapped = replace(new_delivery("original"), sop_instance_uid="2.25.9")
    commit(journal, picture.id, deliveries=(wrapped,))
    since = a_destination("province", since="2026-01-01", send=["original"])
    assert owe(journal, DISTRICT, since) == NewlyOwed(originals=1)
    assert owed_to(journal, "province") == [picture.id]


def test_one_that_is_taken_out_is_owed_what_waits_and_gets_what_it_missed_when_it_is_back(journal: Journal) -> None:
    owe(journal, DISTRICT, PROVINCE)
    waiting, missed = new_instance(owed_to=("district", "province")), new_instance()
    Instances(journal).add(waiting)
    owe(journal, DISTRICT)
    Instances(journal).add(missed)
    assert owed_to(journal, "province") == [waiting.id]
    owe(journal, DISTRICT, PROVINCE)
    assert owed_to(journal, "province") == [waiting.id, missed.id]


def test_one_for_which_nothing_waited_when_it_was_taken_out_gets_what_it_missed_too(journal: Journal) -> None:
    owe(journal, DISTRICT, PROVINCE)
    owe(journal, DISTRICT)
    missed = new_instance()
    Instances(journal).add(missed)
    owe(journal, DISTRICT)
    owe(journal, DISTRICT, PROVINCE)
    assert owed_to(journal, "province") == [missed.id]


def test_one_for_which_nothing_waited_when_it_was_taken_out_can_be_given_up(journal: Journal) -> None:
    owe(journal, DISTRICT, PROVINCE)
    owe(journal, DISTRICT)
    assert Deliveries(journal).destinations() == ["district", "province"]
    assert Deliveries(journal).dismiss_all_of("province") == 0
    Instances(journal).add(new_instance())
    assert owe(journal, DISTRICT, PROVINCE) == NewlyOwed()


def test_one_that_was_taken_out_and_dismissed_is_new_when_it_is_back(journal: Journal) -> None:
    owe(journal, DISTRICT, PROVINCE)
    Instances(journal).add(new_instance(owed_to=("district", "province")))
    owe(journal, DISTRICT)
    assert Deliveries(journal).dismiss_all_of("province") == 1
    Instances(journal).add(new_instance())
    assert owe(journal, DISTRICT, PROVINCE) == NewlyOwed()
    assert journal.counts("deliveries")["dismissed"] == 1


def test_one_that_was_dismissed_by_mistake_gets_everything_if_it_is_back_with_a_day(journal: Journal) -> None:
    both = ("district", "province")
    new = new_instance(owed_to=both, received_at="2026-02-01T08:00:00+00:00")
    owe(journal, DISTRICT, SENT_PAPERS)
    Instances(journal).add(new)
    commit(journal, new.id)
    report(journal, new.id, 1, to=both)
    owe(journal, DISTRICT)
    assert Deliveries(journal).dismiss_all_of("province") == 2
    since = SENT_PAPERS.model_copy(update={"since": date(2026, 1, 31)})
    assert owe(journal, DISTRICT, since) == NewlyOwed(originals=1, results=1)
    assert owed_to(journal, "province") == [new.id] and len(results_owed_to(journal, "province")) == 1
    assert journal.counts("deliveries")["dismissed"] == 0


def test_one_that_gets_originals_later_gets_those_that_come_from_then_on(journal: Journal) -> None:
    results_only = a_destination("province", send=["report_pdf"])
    owe(journal, DISTRICT, results_only)
    Instances(journal).add(new_instance())
    assert owe(journal, DISTRICT, PROVINCE) == NewlyOwed()
    assert owed_to(journal, "province") == []


def test_one_whose_rules_are_taken_away_gets_also_what_was_not_read_yet(journal: Journal) -> None:
    some = a_destination("province", modalities=["CR"])
    owe(journal, DISTRICT, some)
    read, unread = new_instance(), new_instance()
    for new in (read, unread):
        Instances(journal).add(new)
    commit(journal, read.id)
    assert owe(journal, DISTRICT, PROVINCE) == NewlyOwed(originals=1)
    assert owed_to(journal, "province") == [unread.id]


def test_a_new_one_with_rules_and_a_day_gets_what_they_say(journal: Journal) -> None:
    chest, other = (
        new_instance(received_at="2026-02-01T08:00:00+00:00"),
        new_instance(received_at="2026-02-01T09:00:00+00:00"),
    )
    for new, modality in ((chest, "CR"), (other, "US")):
        Instances(journal).add(new)
        header = ImageHeader(modality=modality)
        commit(journal, new.id, reading=reading_of(new.id).model_copy(update={"header": header}))
    rules = a_destination("province", since="2026-01-01", modalities=["CR", "DX"], send=["original"])
    assert owe(journal, DISTRICT, rules) == NewlyOwed(originals=1)
    assert owed_to(journal, "province") == [chest.id]


@pytest.mark.parametrize("fate", ["waiting", "confirmed"])
def test_one_that_is_back_gets_the_report_that_others_got_meanwhile(journal: Journal, fate: str) -> None:
    study = one_that_was_taken_out_after_a_report(journal, fate)
    report(journal, study, 2)
    assert results_owed_to(journal, "province") == [], "and what waited is not current any more"
    assert owe(journal, DISTRICT, SENT_PAPERS) == NewlyOwed(originals=1, results=1)
    assert results_owed_to(journal, "province") == results_owed_to(journal, "district")
    assert owe(journal, DISTRICT, SENT_PAPERS) == NewlyOwed()


def test_one_that_is_back_gets_the_last_report_again_if_that_was_sent_to_nobody(journal: Journal) -> None:
    study = one_that_was_taken_out_after_a_report(journal, "confirmed")
    report(journal, study, 2, to=())
    assert owe(journal, DISTRICT, SENT_PAPERS) == NewlyOwed(originals=1, studies=1)
    assert Studies(journal).get(study).derived_version == 0
    assert owe(journal, DISTRICT, SENT_PAPERS) == NewlyOwed()


def test_one_that_is_back_is_owed_nothing_twice_where_files_do_not_tell_their_version(journal: Journal) -> None:
    study = one_that_was_taken_out_after_a_report(journal, "waiting")
    with journal.transaction() as connection:
        connection.execute(
            "UPDATE deliveries SET state = 'confirmed' WHERE kind = 'report_pdf' AND destination = 'district'"
        )
    report(journal, study, 2)
    assert owe(journal, DISTRICT, SENT_PAPERS).results == 1
    assert len(results_owed_to(journal, "province")) == 1


def one_that_was_taken_out_after_a_report(journal: Journal, fate: str) -> str:
    """A study of which the province got a film and a report, or was to, before it was taken out of the settings; then
    another film came. Something waits for the province. Returns the key of the study.
    """
    first, another = (new_instance(owed_to=("district", "province")) for _ in range(2))
    owe(journal, DISTRICT, SENT_PAPERS)
    for new in (first, another):
        Instances(journal).add(new)
        commit(journal, new.id)
    report(journal, first.id, 1, to=("district", "province"))
    with journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET state = ? WHERE kind = 'report_pdf' AND state <> ?", (fate, fate))
    owe(journal, DISTRICT)
    second = new_instance(study=first.study)
    Instances(journal).add(second)
    commit(journal, second.id)
    return first.id


def results_owed_to(journal: Journal, name: str) -> list[str]:
    """The results that wait for a destination."""
    rows = journal.rows(
        "SELECT sop_instance_uid FROM deliveries WHERE destination = ? AND kind = 'report_pdf' AND state = 'waiting'"
        " ORDER BY sequence",
        (name,),
    )
    return [row["sop_instance_uid"] for row in rows]
