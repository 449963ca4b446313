"""A start takes into the journal what it does not know, deletes nothing that may hold an instance, and revives nothing
that was forgotten.
"""

import io
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leapfrog.exam import ImageHeader, PictureHints, PictureIdentity
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import Production, append_record, read_record
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import FolderFile, NewDelivery, NewInstance, StudyIdentity
from leapfrog.state.spool import Spool
from leapfrog.state.start.adoption import RenderedReport
from leapfrog.state.start.opening import Opening
from leapfrog.state.studies import Studies
from support.destinations import a_destination, a_district
from support.journal_rows import commit, new_instance, reading_of
from support.raw_peer import data_set, element
from support.spooled import go_through, put_in_spool

STUDY = StudyIdentity(study_instance_uid="1.2.840.7", patient_id="P7")
REBUILT = Opening(in_order=False, rebuilt="The journal was damaged.")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def received(journal: Journal, spool: Spool, content: bytes = b"pixels", **values: Any) -> NewInstance:
    """An instance as the intake leaves it."""
    instance_id = new_id()
    new = new_instance(**{"id": instance_id, "spool_name": f"{instance_id}.dcm", **values})
    new = put_in_spool(spool, content, new)
    assert Instances(journal).add(new) == []
    return new


def forget_rows(journal: Journal) -> None:
    """As an empty journal, or an older copy of it."""
    with journal.transaction() as connection:
        for table in ("deliveries", "folder_files", "instances", "studies"):
            connection.execute(f"DELETE FROM {table}")


def put_object(spool: Spool, **values: Any) -> str:
    """An object as a reader makes it, in the spool."""
    import hashlib

    name = f"{new_id()}.dcm"
    content = b"object"
    record = Production.model_validate(
        {
            "role": "report_pdf",
            "study_key": "study",
            "instance_id": None,
            "version": 1,
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.104.1",
            "sop_instance_uid": f"2.25.{int(new_id(), 16)}",
            "byte_count": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            **values,
        }
    )
    with spool.path(name).open("wb") as stream:
        stream.write(content)
        append_record(stream, record)
    return name


def rows(journal: Journal, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in journal.rows(f"SELECT * FROM {table} ORDER BY sequence")]


# ---------------------------------------------------------------- instances


def test_rows_that_were_lost_come_back_as_they_were(journal: Journal, spool: Spool) -> None:
    digest = digest_of(io.BytesIO(b"1"))
    file = FolderFile(path="/inbox/a.dcm", byte_count=1, modified_ns=2, inode=3, file_digest=digest)
    times = {"received_at": "2026-11-28T10:00:00+01:00", "study": STUDY, "exam_number": "K7-42F"}
    first = received(journal, spool, b"1", arrival=5, folder_file=file, **times)
    received(journal, spool, b"2", arrival=9, **times)
    received(journal, spool, b"3", arrival=7, forward_as="2.25.4", **times)
    before = {table: rows(journal, table) for table in ("studies", "instances")}
    forget_rows(journal)
    go_through(journal, spool)
    assert rows(journal, "instances") == before["instances"]
    assert [{**row, "sequence": 1} for row in rows(journal, "studies")] == before["studies"]
    assert rows(journal, "studies")[0]["key"] == first.id
    assert FolderFiles(journal).all() == [file]


def test_a_cine_that_was_lost_waits_behind_films_as_before(journal: Journal, spool: Spool) -> None:
    head = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
    cine = head + element(0x00080018, b"UI", b"1.2.3.4") + element(0x00280008, b"IS", b"300 ")
    received(journal, spool, cine, frame_count=300)
    received(journal, spool, head + data_set("1.2.3"))
    received(journal, spool, b"no DICOM")
    before = {row["id"]: row["turn"] for row in rows(journal, "instances")}
    assert list(before.values()) == [1, 0, 0]
    forget_rows(journal)
    go_through(journal, spool)
    assert {row["id"]: row["turn"] for row in rows(journal, "instances")} == before


def test_what_may_have_been_sent_is_asked_for_before_it_is_sent(journal: Journal, spool: Spool) -> None:
    received(journal, spool)
    forget_rows(journal)
    go_through(journal, spool)
    [delivery] = rows(journal, "deliveries")
    assert (delivery["state"], delivery["posted"]) == ("waiting", 1)


def test_nothing_is_owed_where_there_is_no_district(journal: Journal, spool: Spool) -> None:
    received(journal, spool)
    forget_rows(journal)
    go_through(journal, spool, owed=False)
    assert rows(journal, "deliveries") == []
    assert len(rows(journal, "instances")) == 1


def test_what_the_journal_knows_stays_as_it_is(journal: Journal, spool: Spool) -> None:
    new = received(journal, spool)
    commit(journal, new.id)
    before = (rows(journal, "instances"), rows(journal, "deliveries"))
    adoption = go_through(journal, spool)
    assert (rows(journal, "instances"), rows(journal, "deliveries")) == before
    assert adoption.problems() == ()


def test_an_image_that_came_again_in_the_meantime_is_kept_once_and_asked_for(journal: Journal, spool: Spool) -> None:
    first = received(journal, spool, sop_instance_uid="1.2.3")
    forget_rows(journal)
    again = received(journal, spool, sop_instance_uid="1.2.3")
    go_through(journal, spool)
    assert [row["id"] for row in rows(journal, "instances")] == [again.id]
    assert [row["posted"] for row in rows(journal, "deliveries")] == [1]
    assert not spool.path(first.spool_name).exists()


def test_an_exam_of_which_an_image_came_again_in_the_meantime_keeps_its_number(journal: Journal, spool: Spool) -> None:
    received(journal, spool, sop_instance_uid="1.2.3", study=STUDY, exam_number="K7-42F")
    forget_rows(journal)
    received(journal, spool, sop_instance_uid="1.2.3", study=STUDY)
    go_through(journal, spool)
    assert [row["exam_number"] for row in rows(journal, "studies")] == ["K7-42F"]


def test_other_content_under_the_same_uid_is_kept_under_a_new_one_that_a_second_loss_does_not_change(
    journal: Journal, spool: Spool
) -> None:
    received(journal, spool, b"one", sop_instance_uid="1.2.3")
    forget_rows(journal)
    received(journal, spool, b"two", sop_instance_uid="1.2.3")
    go_through(journal, spool)
    minted = {row["id"]: row["forward_as"] for row in rows(journal, "instances")}
    assert sorted(value is not None for value in minted.values()) == [False, True]
    forget_rows(journal)
    go_through(journal, spool)
    assert {row["id"]: row["forward_as"] for row in rows(journal, "instances")} == minted


def test_the_owner_of_a_uid_keeps_it_beside_one_that_is_forwarded_under_another(journal: Journal, spool: Spool) -> None:
    owner = received(journal, spool, b"one", sop_instance_uid="1.2.3", arrival=1)
    other = put_in_spool(spool, b"two", new_instance(sop_instance_uid="1.2.3", forward_as="2.25.9", arrival=2))
    forget_rows(journal)
    Instances(journal).add(other)
    go_through(journal, spool)
    assert {row["id"]: row["forward_as"] for row in rows(journal, "instances")} == {owner.id: None, other.id: "2.25.9"}


# ---------------------------------------------------------------- what does not hold


def test_a_file_that_does_not_hold_is_laid_aside_whole_and_a_person_is_told(journal: Journal, spool: Spool) -> None:
    new = received(journal, spool, b"x" * 1000)
    forget_rows(journal)
    path = spool.path(new.spool_name)
    content = b"y" + path.read_bytes()[1:]
    path.write_bytes(content)
    adoption = go_through(journal, spool)
    assert rows(journal, "instances") == []
    assert (spool.aside / f"{new.spool_name}.damaged").read_bytes() == content
    [problem] = adoption.problems()
    assert "1 file(s)" in problem.what and "leapfrog journal check" in problem.remedy


def test_a_file_under_the_name_of_another_is_laid_aside(journal: Journal, spool: Spool) -> None:
    new = received(journal, spool)
    forget_rows(journal)
    spool.path(new.spool_name).rename(spool.path("0123456789abcdef.dcm"))
    go_through(journal, spool)
    assert rows(journal, "instances") == []
    assert [path.name for path in spool.aside.iterdir()] == ["0123456789abcdef.dcm.damaged"]


def test_what_a_power_cut_left_of_a_file_alarms_nobody(journal: Journal, spool: Spool) -> None:
    spool.path("a.dcm").write_bytes(b"half of an image")
    spool.path("b.dcm").write_bytes(b"")
    spool.path("c.dcm").write_bytes(bytes(3 << 20))
    adoption = go_through(journal, spool)
    assert [path.name for path in spool.aside.iterdir()] == ["a.dcm.incomplete"]
    assert spool.names() == []
    assert adoption.problems() == ()


def test_where_the_journal_was_lost_a_file_of_unknown_origin_alarms(journal: Journal, spool: Spool) -> None:
    spool.path("a.dcm").write_bytes(b"an image from an older version")
    adoption = go_through(journal, spool, opening=REBUILT)
    assert [path.name for path in spool.aside.iterdir()] == ["a.dcm.unknown"]
    assert [problem.what.partition(". ")[0].rstrip(".") for problem in adoption.problems()] == [
        "The journal was damaged",
        f"1 file(s) in {spool.aside} may hold images, but are damaged or of unknown origin",
    ]


# ---------------------------------------------------------------- what readers made


def rendered(version: int, *instances: NewInstance) -> RenderedReport:
    readings = tuple(reading_of(new.id).model_copy(update={"plain": "plain.jpg"}) for new in instances)
    return RenderedReport(version, readings, json.dumps({"row": 1}), urgent=True)


def test_a_report_that_is_shown_is_taken_over_with_its_readings_and_objects(journal: Journal, spool: Spool) -> None:
    first = received(journal, spool, b"1", study=STUDY, arrival=1)
    second = received(journal, spool, b"2", study=STUDY, arrival=2)
    name = put_object(spool, study_key=first.id, version=3)
    forget_rows(journal)
    go_through(journal, spool, rendered=lambda key: rendered(3, first, second) if key == first.id else None)
    assert [row["state"] for row in rows(journal, "instances")] == ["read", "read"]
    [study] = rows(journal, "studies")
    assert (study["version"], study["published_version"], study["state"]) == (3, 0, "quiet")
    assert (study["derived_version"], study["urgent"], study["worklist_row"]) == (3, 1, '{"row": 1}')
    pdf = next(row for row in rows(journal, "deliveries") if row["kind"] == "report_pdf")
    assert (pdf["spool_name"], pdf["posted"]) == (name, 1)


def test_what_is_found_is_owed_to_every_destination_whose_rules_fit_and_is_asked_for_before_it_is_sent(
    journal: Journal, spool: Spool
) -> None:
    new = received(journal, spool, b"1", study=STUDY, arrival=1)
    name = put_object(spool, study_key=new.id, version=3)
    forget_rows(journal)
    recipients = Recipients(
        (
            a_district(),
            a_destination("chests", modalities=["CR"]),
            a_destination("hearts", modalities=["US"]),
            a_destination("films", send=["original"]),
        )
    )
    report = rendered(3, new)
    readings = tuple(one.model_copy(update={"header": ImageHeader(modality="CR")}) for one in report.readings)
    go_through(journal, spool, recipients=recipients, rendered=lambda _key: replace(report, readings=readings))
    owed = {(row["destination"], row["kind"], row["spool_name"], row["posted"]) for row in rows(journal, "deliveries")}
    assert owed == {
        *((to, "original", new.spool_name, 1) for to in ("district", "chests", "films")),
        *((to, "report_pdf", name, 1) for to in ("district", "chests")),
    }


def test_a_file_named_after_a_delivery_that_is_gone_stays_while_another_destination_is_sent_it(
    journal: Journal, spool: Spool
) -> None:
    new = received(journal, spool, b"1", study=STUDY, arrival=1)
    [study] = journal.rows("SELECT key FROM studies")
    name = put_object(spool, study_key=study["key"])
    record = read_record(spool.path(name))
    assert isinstance(record, Production)
    shared = NewDelivery(
        id=Path(name).stem,
        kind="report_pdf",
        destinations=("gone", "district"),
        sop_class_uid=record.sop_class_uid,
        sop_instance_uid=record.sop_instance_uid,
        spool_name=name,
        byte_count=record.byte_count,
    )
    assert Deliveries(journal).add(shared, study["key"])
    journal.change("DELETE FROM deliveries WHERE destination = 'gone'")
    go_through(journal, spool)
    assert spool.path(name).exists()
    assert {row["spool_name"] for row in rows(journal, "deliveries")} == {new.spool_name, name}


def test_the_report_of_a_study_with_an_image_it_lacks_is_made_again_under_a_newer_version(
    journal: Journal, spool: Spool
) -> None:
    first = received(journal, spool, b"1", study=STUDY, arrival=1)
    late = received(journal, spool, b"2", study=STUDY, arrival=2)
    forget_rows(journal)
    go_through(journal, spool, rendered=lambda _key: rendered(3, first))
    assert {row["id"]: row["state"] for row in rows(journal, "instances")} == {first.id: "read", late.id: "received"}
    commit(journal, late.id)
    [study] = Studies(journal).open()
    assert study.version == 3
    assert study.changed


def test_an_object_whose_report_was_never_committed_is_not_sent_beside_the_one_made_again(
    journal: Journal, spool: Spool
) -> None:
    new = received(journal, spool)
    put_object(spool, study_key=new.id, version=1)
    go_through(journal, spool)
    assert [row["kind"] for row in rows(journal, "deliveries")] == ["original"]
    assert spool.names() == [new.spool_name]


def test_a_picture_comes_back_with_what_a_reader_made_of_it(journal: Journal, spool: Spool) -> None:
    picture = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")
    hints = PictureHints(modality="US")
    new = received(journal, spool, picture=picture, hints=hints, sop_instance_uid="2.25.3", owed=False)
    name = put_object(spool, role="wrapped", instance_id=new.id, sop_instance_uid="2.25.3", version=None)
    forget_rows(journal)
    go_through(journal, spool)
    instance = Instances(journal).get(new.id)
    assert instance is not None
    assert (instance.picture, instance.hints, instance.state) == (picture, hints, "received")
    [delivery] = rows(journal, "deliveries")
    assert (delivery["spool_name"], delivery["instance_id"], delivery["posted"]) == (name, new.id, 1)
    assert Instances(journal).owes_original(new.id), "the next reading does not owe it again"


def test_a_report_that_was_never_committed_and_lacks_a_reading_is_not_taken_for_the_last(
    journal: Journal, spool: Spool
) -> None:
    """As after a kill, while a report was rendered and another image of its study was read."""
    first = received(journal, spool, b"1", study=STUDY)
    second = received(journal, spool, b"2", study=STUDY)
    for new in (first, second):
        commit(journal, new.id)
    go_through(journal, spool, rendered=lambda _key: rendered(1, first))
    [study] = Studies(journal).open()
    assert study.version == 1
    assert study.changed


def test_older_reports_of_a_journal_that_is_an_older_copy_are_overtaken(journal: Journal, spool: Spool) -> None:
    new = received(journal, spool, study=STUDY)
    go_through(journal, spool, rendered=lambda _key: rendered(8, new))
    assert Studies(journal).get(new.id).version == 8
    in_order = received(journal, spool, b"other")
    go_through(journal, spool, opening=Opening(in_order=True), rendered=lambda _key: rendered(9, new))
    assert Studies(journal).get(in_order.id).version == 0


# ---------------------------------------------------------------- forgetting, cut at every step

FORGETS = textwrap.dedent("""\
    import sys
    from datetime import date
    from pathlib import Path
    from leapfrog.state.facts import Facts
    from leapfrog.state.journal import Journal
    from leapfrog.state.upkeep.retention import Retention
    from leapfrog.state.spool import Spool
    from leapfrog.state.studies import Studies

    state = Path(sys.argv[1])
    journal = Journal(state / "journal.sqlite")
    studies, spool = Studies(journal), Spool(state / "spool", 0)
    studies.date_finished(0)
    study = studies.finished_before(40)
    spool.forget(study.spool_names)
    assert studies.forget(study, 40)
    spool.discard_forgotten()
    print("done", flush=True)
""")


@pytest.mark.parametrize("call", ["rename", "fsync", "fdatasync", "unlink", "unlinkat"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_kill_while_a_study_is_forgotten_leaves_all_of_it_or_nothing(tmp_path: Path, call: str, number: int) -> None:
    journal, spool = Journal(tmp_path / "journal.sqlite"), Spool(tmp_path / "spool", 0)
    images = [received(journal, spool, content, study=STUDY, owed=False) for content in (b"1", b"2")]
    for image in images:
        commit(journal, image.id)
    journal.change("UPDATE studies SET state = 'quiet'")
    journal.close()
    kill = f"inject={call}:signal=KILL:when={number}"
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(spool.directory), "-P", str(spool.forgotten)]
    paths = [*(spool.path(image.spool_name) for image in images), tmp_path / "journal.sqlite-wal"]
    for path in [*paths, *(spool.forgotten / image.spool_name for image in images)]:
        strace += ["-P", str(path)]
    done = subprocess.run(
        [*strace, "-e", f"trace={call}", "-e", kill, sys.executable, "-c", FORGETS, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=60,
        check=False,
    )
    assert (done.returncode == -9) is not ("done" in done.stdout), done.stderr
    journal = Journal(tmp_path / "journal.sqlite")
    go_through(journal, spool, owed=False)
    ids = {row["id"] for row in rows(journal, "instances")}
    assert ids in ({image.id for image in images}, set())
    assert set(spool.names()) == {image.spool_name for image in images if image.id in ids}
    assert spool.forgotten_names() == []
    journal.close()


def test_waiting_deliveries_are_all_asked_for_once_the_journal_may_be_an_older_copy(
    journal: Journal, spool: Spool
) -> None:
    received(journal, spool)
    received(journal, spool)
    assert Deliveries(journal).ask_before_sending() == 2
    assert Deliveries(journal).ask_before_sending() == 0


def test_a_kill_between_file_and_row_leaves_an_image_that_is_taken_up(journal: Journal, spool: Spool) -> None:
    new = put_in_spool(spool, b"pixels", replace(new_instance(), arrival=3))
    go_through(journal, spool)
    assert [row["id"] for row in rows(journal, "instances")] == [new.id]
