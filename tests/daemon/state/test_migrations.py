"""A journal from an older Leapfrog is upgraded completely or not at all, whatever happens on the way."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from leapfrog.errors import JournalError, StorageError
from leapfrog.state import migrations, records_to_renew
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.state.spool import Spool
from leapfrog.state.start.owing import NewlyOwed, owe_what_is_wanted
from leapfrog.state.studies import Studies
from leapfrog.wording.report_words import WorklistRow
from support.destinations import a_destination, a_district

JOURNALS = Path(__file__).with_name("journals")
VERSIONS = range(migrations.FIRST_VERSION, migrations.schema_version())  # those before today's
OPEN = """
import sys; from pathlib import Path; from leapfrog.state.journal import Journal; Journal(Path(sys.argv[1])).close()
"""
# Columns of old journals; what became of each has a test of its own, or is begun anew.
TURNED_INTO_ANOTHER = {
    ("studies", "summary"), ("studies", "finished_epoch"), ("instances", "file_sha256"), ("deliveries", "file_sha256"),
    ("folder_files", "content_sha256"), ("encodings", "instance_id"),
}  # fmt: skip
KILL_POINTS = range(1, 482, 17)


def old_journal(folder: Path, version: int) -> Path:
    """A journal of that version with something in every table."""
    path = folder / "journal.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript((JOURNALS / f"version-{version}.sql").read_text(encoding="utf-8"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def backup_of(path: Path, version: int) -> Path:
    return path.with_name(f"journal.version-{version}.sqlite")


def content(path: Path) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, by column."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in tables}
    connection.close()
    return found


def schema(path: Path) -> dict[str, object]:
    """Columns of each table, and the text of all else, without comments and white space."""
    connection = sqlite3.connect(path)
    found: dict[str, object] = {"version": connection.execute("PRAGMA user_version").fetchone()[0]}
    for kind, name, text in connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        if kind == "table":
            found[name] = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
        elif text:
            found[name] = re.sub(r"\s+", " ", re.sub(r"--.*", "", text)).strip()
    connection.close()
    return found


def assert_holds_all_of(after: Path, before: dict[str, list[dict[str, object]]]) -> None:
    now = content(after)
    now["facts"] = [row for row in now["facts"] if row["name"] != records_to_renew.FACT]  # what is still to be done
    # A step may count something new; AUTOINCREMENT's own table says the same in any order.
    counted = {(row["what"], row["state"]) for row in before.get("counts", ())}
    now["counts"] = [row for row in now["counts"] if (row["what"], row["state"]) in counted]
    now["sqlite_sequence"] = _by_name(now.get("sqlite_sequence", []))
    for table, rows in before.items():
        kept = [
            {key: value for key, value in row.items() if (table, key) not in TURNED_INTO_ANOTHER}
            for row in (_by_name(rows) if table == "sqlite_sequence" else rows)
        ]
        assert [{key: row[key] for key in old} for row, old in zip(now[table], kept, strict=True)] == kept, table


def _by_name(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: str(row["name"]))


def test_steps_are_numbered_without_a_gap_and_each_has_a_journal_to_try_it_on() -> None:
    assert list(migrations.steps()) == [version + 1 for version in VERSIONS]
    assert sorted(path.name for path in JOURNALS.iterdir()) == sorted(f"version-{version}.sql" for version in VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_journal_becomes_what_a_new_one_is_and_keeps_every_row(version: int, tmp_path: Path) -> None:
    path = old_journal(tmp_path, version)
    before = content(path)
    Journal(path).close()
    Journal(tmp_path / "new.sqlite").close()
    assert schema(path) == schema(tmp_path / "new.sqlite")
    assert_holds_all_of(path, before)


def test_digests_of_version_4_stay(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 4)
    before = content(path)
    Journal(path).close()
    now = content(path)
    for table, column in (
        ("instances", "file_sha256"),
        ("deliveries", "file_sha256"),
        ("folder_files", "content_sha256"),
    ):
        assert [row["file_digest"] for row in now[table]] == [row[column] for row in before[table]]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_journal_as_it_was_is_kept_beside(version: int, tmp_path: Path) -> None:
    path = old_journal(tmp_path, version)
    before, was = content(path), schema(path)
    Journal(path).close()
    assert (content(backup_of(path, version)), schema(backup_of(path, version))) == (before, was)
    changed = backup_of(path, version).stat().st_mtime_ns
    Journal(path).close()
    assert backup_of(path, version).stat().st_mtime_ns == changed, "a second start has nothing to do"


def test_work_goes_on_in_a_journal_of_version_1(tmp_path: Path) -> None:
    journal = Journal(old_journal(tmp_path, 1))
    instances, studies = Instances(journal), Studies(journal)
    assert instances.close_cut_attempts() == 1
    assert journal.counts("instances") == {"received": 5, "read": 1, "set_aside": 1, "forward_only": 0}
    none = {"superseded": 0, "dismissed": 0}
    assert journal.counts("deliveries") == {"waiting": 5, "confirmed": 1, "refused": 1, **none}
    first = instances.begin_attempt()
    assert first is not None
    assert (first.attempts, first.interruptions) == (1, 1)
    waiting = DeliveryQueue(journal, "district").next_fresh()
    assert waiting is not None
    assert len(studies.newest(10)) == 4
    assert studies.lacking_objects() == {}
    journal.close()


def test_summaries_of_version_2_become_lines_of_the_worklist(tmp_path: Path) -> None:
    journal = Journal(old_journal(tmp_path, 2))
    shown = [study for study in Studies(journal).newest(10) if study.version]
    row = WorklistRow.model_validate_json(shown[0].worklist_row)
    assert (row.patient, row.patient_id) == ("Okello, Dr Grace", "KIT-004211")
    assert (row.exam, row.images, row.received) == ("CR CHEST", "2 images, 1 not assessed", "2026-11-28 11:34")
    assert (row.kind, row.urgent, row.detail) == ("look", True, "")
    assert row.headline == "Urgent: 1 finding needs a look: Pneumothorax"
    journal.close()


def test_what_is_owed_twice_is_owed_once_and_other_content_under_a_uid_of_its_own(
    tmp_path: Path,
) -> None:
    path = old_journal(tmp_path, 3)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE deliveries SET state = 'refused' WHERE state = 'dismissed'")
    insert = (
        "INSERT INTO deliveries (id, kind, study_key, instance_id, state, sop_class_uid, sop_instance_uid, spool_name,"
        " created_at) SELECT ?, kind, study_key, coalesce(?, instance_id), ?, sop_class_uid, sop_instance_uid,"
        " spool_name, created_at FROM deliveries WHERE id = ?"
    )
    found = connection.execute("SELECT id, instance_id FROM deliveries WHERE state = 'waiting' AND kind = 'original'")
    (first, instance), (_, other) = found.fetchmany(2)
    connection.execute(insert, ("twice", None, "confirmed", first))
    connection.execute(insert, ("thrice", None, "dismissed", first))
    connection.execute(insert, ("not the same", other, "waiting", first))
    connection.execute("DELETE FROM deliveries WHERE instance_id = ? AND id <> 'not the same'", (other,))
    connection.commit()
    connection.close()
    journal = Journal(path)
    [kept] = journal.rows("SELECT id, state FROM deliveries WHERE instance_id = ?", (instance,))
    assert (kept["id"], kept["state"]) == ("twice", "confirmed")
    renamed = Instances(journal).get(other)
    assert renamed is not None and (renamed.forward_as or "").startswith("2.25.")
    assert owe_what_is_wanted(journal, Recipients((a_district(),)), Spool(tmp_path / "spool", 0)).originals >= 1
    [owed] = journal.rows("SELECT * FROM deliveries WHERE instance_id = ?", (other,))
    assert (owed["sop_instance_uid"], owed["renamed"]) == (renamed.forward_as, 1)
    totals = journal.rows("SELECT state, COUNT(*) AS total FROM deliveries GROUP BY state")
    assert {row["state"]: row["total"] for row in totals}.items() <= journal.counts("deliveries").items()
    journal.close()


def test_what_waited_for_a_copy_that_no_reader_will_make_can_go(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 3)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE instances SET forward_as = '2.25.77' WHERE state = 'set_aside'")
    connection.execute(
        "UPDATE deliveries SET spool_name = NULL, sop_instance_uid = '2.25.77', state = 'waiting' WHERE instance_id ="
        " (SELECT id FROM instances WHERE state = 'set_aside')"
    )
    connection.commit()
    connection.close()
    journal = Journal(path)
    [owed] = [one for one in Deliveries(journal).listed("waiting") if one.sop_instance_uid == "2.25.77"]
    instance = Instances(journal).get(owed.instance_id or "")
    assert instance is not None
    assert (owed.renamed, owed.spool_name) == (True, instance.spool_name)
    journal.close()


def test_a_journal_from_a_newer_leapfrog_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {migrations.schema_version() + 1}")
    with pytest.raises(JournalError, match="install the newer Leapfrog again"):
        Journal(path)


@pytest.fixture
def next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of one more step, after those that there are."""
    steps, version = migrations.steps(), migrations.schema_version() + 1
    file = tmp_path / f"{version:04}_more.sql"
    more: dict[int, Traversable] = {**steps, version: file}
    monkeypatch.setattr(migrations, "steps", lambda: more)
    yield file


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE TABLE more (a); CREATE TABLE more (a);",
        "CREATE TABLE more (a); UPDATE instances SET study_key = 'nowhere';",
    ],
)
def test_a_step_that_fails_changes_nothing_and_is_tried_again(broken: str, next_step: Path, tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    before = content(path)
    next_step.write_text(broken)
    with pytest.raises(JournalError, match=r"is kept in .*version-1\.sqlite"):
        Journal(path)
    assert schema(path)["version"] == migrations.schema_version() - 1, "the steps before it are done"
    assert "more" not in content(path)
    next_step.write_text("CREATE TABLE more (a);")
    Journal(path).close()
    assert schema(path)["version"] == migrations.schema_version()
    assert_holds_all_of(path, before)


def test_a_step_may_rebuild_a_table_that_others_refer_to(next_step: Path, tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    before = content(path)
    next_step.write_text(
        "CREATE TABLE more AS SELECT * FROM studies; DROP TABLE studies; ALTER TABLE more RENAME TO studies;"
        " CREATE UNIQUE INDEX studies_key ON studies (key);"
    )
    Journal(path).close()
    assert_holds_all_of(path, {table: before[table] for table in ("studies", "instances", "deliveries")})


def test_without_room_for_the_backup_nothing_is_changed(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    before = content(path)
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)){OPEN}"
    refused = subprocess.run([sys.executable, "-c", limited, path], capture_output=True, text=True, check=False)
    assert "StorageError" in refused.stderr
    assert re.search(r"room for a\s+second journal", refused.stderr)
    assert (schema(path)["version"], content(path)) == (1, before)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.sqlite"]


def test_a_service_that_is_started_over_and_over_writes_the_backup_once(next_step: Path, tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    next_step.write_text("CREATE TABLE counts (a);")
    newest = migrations.schema_version() - 1
    for _ in range(3):
        with pytest.raises(JournalError, match="cannot be upgraded"):
            Journal(path)
    written = backup_of(path, newest).stat().st_ino
    with pytest.raises(JournalError, match="cannot be upgraded"):
        Journal(path)
    assert backup_of(path, newest).stat().st_ino == written


def test_a_journal_that_changed_since_is_backed_up_anew(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    backup_of(path, 1).write_bytes(b"of the last time")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE studies SET urgent = 1")
    connection.close()
    before = content(path)
    Journal(path).close()
    assert content(backup_of(path, 1)) == before


def test_a_command_leaves_an_older_journal_to_the_daemon(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    with pytest.raises(JournalError, match="Start this Leapfrog's daemon once"):
        Journal(path, migrate=False)
    assert schema(path)["version"] == 1
    Journal(path).close()
    Journal(path, migrate=False).close()


def test_where_no_backup_can_be_written_the_refusal_is_a_sentence(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 1)
    in_the_way = tmp_path / ".journal.version-1.sqlite.part"
    in_the_way.mkdir()
    with pytest.raises(StorageError, match="can be written and has room"):
        Journal(path)
    assert schema(path)["version"] == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_kill_at_any_moment_leaves_a_journal_that_the_next_start_brings_up_to_date(tmp_path: Path) -> None:
    ended = set()
    for number in KILL_POINTS:
        folder = tmp_path / str(number)
        folder.mkdir()
        path = old_journal(folder, 1)
        before = content(path)
        inject = f"inject=pwrite64,write,fdatasync,fsync,rename,unlink:signal=KILL:when={number}"
        command = ["strace", "-f", "-o", "/dev/null", "-e", inject, sys.executable, "-c", OPEN, str(path)]
        ended.add(subprocess.run(command, capture_output=True, check=False).returncode)
        assert schema(path)["version"] in (1, *migrations.steps())
        assert_holds_all_of(path, before)
        Journal(path).close()
        assert schema(path)["version"] == migrations.schema_version()
        assert_holds_all_of(path, before)
        assert content(backup_of(path, 1)) == before
        assert not list(folder.glob(".*.part"))
    assert {0, -9} <= ended, "some were killed, and the last ran through"


def test_what_was_owed_before_there_were_several_destinations_is_owed_to_the_district(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 8)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('INSERT INTO facts VALUES (\'wanted_kinds\', \'["original", "overlay", "report_pdf"]\')')
        connection.commit()
        before = connection.execute("SELECT count(*) FROM deliveries WHERE kind <> 'print'").fetchone()[0]
    journal = Journal(path)
    totals = {
        row["destination"]: row["total"]
        for row in journal.rows("SELECT destination, sum(total) AS total FROM delivery_totals GROUP BY destination")
    }
    assert totals["district"] == before and set(totals) <= {"district", ""}
    district = a_district(send=["original", "overlay", "report_pdf"])
    province = a_destination("province")
    recipients = Recipients((district, province))
    assert owe_what_is_wanted(journal, recipients, Spool(tmp_path / "spool", 0)) == NewlyOwed(), "nothing is new to it"
    assert [row["name"] for row in journal.rows("SELECT name FROM destinations ORDER BY name")] == [
        "district",
        "province",
    ]
    assert journal.row("SELECT 1 FROM facts WHERE name = 'wanted_kinds'") is None
    journal.close()


def test_copies_are_known_by_the_uid_under_which_their_originals_are_owed(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 12)
    Journal(path).close()
    owed = {row["id"]: row["forward_as"] or row["sop_instance_uid"] for row in content(path)["instances"]}
    copies = {row["id"]: row["sop_instance_uid"] for row in content(path)["encodings"]}
    assert copies == {
        "e000000000000001": owed["0000000000000001"],
        "e000000000000002": owed["0000000000000002"],
    }


def test_exams_of_before_are_counted_in_the_weeks_in_which_they_came(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 13)
    Journal(path).close()
    (week,) = content(path)["weeks"]
    counted = {"exams": 4, "urgent": 1, "not_assessed": 0, "answered": 0, "differing": 0}
    assert week == {"week": "2026-W48", **counted}
    assert content(path)["days"] == [{"day": "2026-11-28", "exams": 4}]


def test_of_an_exam_that_a_radiologist_had_answered_the_upgrade_knows_it(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 13)
    with closing(sqlite3.connect(path)) as connection, connection:
        row = "json_set(worklist_row, '$.answer_differs', json('true'))"
        connection.execute(f"UPDATE studies SET worklist_row = {row} WHERE sequence = 3")
        connection.execute("UPDATE answers SET state = 'shown', judgement = 'verified'")
        connection.execute("INSERT OR IGNORE INTO answer_places VALUES ('aaaaaaaaaaaaaaaa', 'district', 0)")
    Journal(path).close()
    (week,) = content(path)["weeks"]
    assert (week["answered"], week["differing"]) == (1, 1)
