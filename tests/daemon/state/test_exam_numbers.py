"""Whatever happens to a box: no two exams get the same number, and none loses the one that was shown."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.exam_number import exam_number, is_exam_number, ordinal_of
from leapfrog.spool_file.record import Arrival, read_record
from leapfrog.state.exam_numbers import BLOCK, FACT, FILE_NAME, REMEMBERED_SECONDS, ExamNumbers, reserved_by
from leapfrog.state.facts import put
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, files_of, new_id
from leapfrog.state.records import NewInstance, StudyIdentity
from leapfrog.state.spool import Spool
from leapfrog.state.start.adoption import RenderedReport
from leapfrog.state.start.older_files import give_records
from leapfrog.state.start.opening import Opening
from leapfrog.state.start.restored import after_restore
from leapfrog.state.station.station_key import station_folder
from leapfrog.state.studies import Studies
from support.journal_rows import new_instance
from support.raw_peer import data_set, element
from support.spooled import go_through, put_in_spool

JOURNALS = Path(__file__).with_name("journals")


class Clock:
    """A monotonic clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Box:
    """Journal, spool and numbers, as starts leave them."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.clock = Clock()
        self.left_open: list[Journal] = []
        self.spool = Spool(state_dir / "spool", 0)
        self.journal = Journal(state_dir / "journal.sqlite")
        self.numbers = ExamNumbers(self.journal, state_dir, settled=True, monotonic=self.clock)

    def begin_again(self, *, in_order: bool = False, goes_through: bool = True) -> None:
        """Begin a run after one that was killed, or ended in order."""
        self.left_open.append(self.journal)
        self.journal = Journal(self.state_dir / "journal.sqlite")
        self.numbers = ExamNumbers(self.journal, self.state_dir, settled=in_order, monotonic=self.clock)
        if goes_through:
            self.go_through(in_order=in_order)

    def go_through(self, *, in_order: bool = False) -> None:
        go_through(self.journal, self.spool, opening=Opening(in_order=in_order), numbers=self.numbers)
        for _ in give_records(self.journal, self.spool):
            pass

    def lose_journal(self) -> None:
        for path in files_of(self.state_dir / "journal.sqlite"):
            path.unlink(missing_ok=True)

    @property
    def file(self) -> Path:
        return station_folder(self.state_dir) / FILE_NAME

    def receive(self, study: str, *, row: bool = True) -> NewInstance:
        """An image of a study, as the intake lets it in; without its row, as a kill may leave it."""
        instance_id = new_id()
        identity = StudyIdentity(study_instance_uid=study, patient_id="P1") if study else StudyIdentity()
        new = new_instance(
            id=instance_id, spool_name=f"{instance_id}.dcm", study=identity, exam_number=self.numbers.of(identity)
        )
        new = put_in_spool(self.spool, instance_id.encode(), new)
        if row:
            assert Instances(self.journal).add(new) == []
            if not new.exam_number:
                self.numbers.give_missing()
        return new

    def number(self, new: NewInstance) -> str:
        record = Instances(self.journal).get(new.id)
        assert record is not None
        return record.exam_number

    def recorded(self, new: NewInstance) -> str:
        record = read_record(self.spool.path(new.spool_name))
        assert isinstance(record, Arrival)
        return record.exam_number

    def forget(self, study_key: str) -> None:
        """As retention does at last."""
        for record in Instances(self.journal).listed():
            if record.study_key == study_key:
                self.spool.remove(record.spool_name)
        with self.journal.transaction() as connection:
            for table, column in (("deliveries", "study_key"), ("instances", "study_key"), ("studies", "key")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (study_key,))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    for journal in (made.journal, *made.left_open):
        journal.close()


def test_an_exam_has_one_number_that_each_of_its_images_carries(box: Box) -> None:
    first, late, other = box.receive("1.2"), box.receive("1.2"), box.receive("1.3")
    box.clock.now += 2 * REMEMBERED_SECONDS
    later = box.receive("1.2")
    assert box.number(first) == box.number(late) == box.number(later) != box.number(other)
    assert [box.recorded(one) for one in (first, late, later, other)] == [box.number(first)] * 3 + [box.number(other)]
    assert is_exam_number(box.number(first))
    assert Studies(box.journal).with_number(box.number(other)) == Studies(box.journal).get(other.id)


def test_an_exam_that_was_forgotten_and_is_sent_again_at_once_has_another_number(box: Box) -> None:
    first, other = box.receive("1.2"), box.receive("1.3")
    number = box.number(first)
    box.forget(first.id)
    box.numbers.exam_is_gone(number)
    assert box.number(box.receive("1.2")) not in (number, box.number(other))
    assert box.number(box.receive("1.3")) == box.number(other)


def test_images_without_a_study_are_exams_of_their_own(box: Box) -> None:
    assert len({box.number(box.receive("")) for _ in range(3)}) == 3


def test_an_exam_that_two_threads_would_give_a_number_keeps_the_first(box: Box) -> None:
    box.begin_again(goes_through=False)
    new = box.receive("1.2")
    studies = Studies(box.journal)
    for number in (exam_number(70), exam_number(71)):
        studies.give_numbers({new.id: number})
    assert box.number(new) == exam_number(70)


def test_the_first_images_of_an_exam_that_come_at_once_get_the_same(box: Box) -> None:
    identities = [StudyIdentity(study_instance_uid=f"1.{number % 10}") for number in range(80)]
    given: list[tuple[StudyIdentity, str]] = []

    def take(mine: list[StudyIdentity]) -> None:
        given.extend((identity, box.numbers.of(identity)) for identity in mine)

    threads = [threading.Thread(target=take, args=(identities[part::8],)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == 10
    assert len({number for _, number in given}) == 10


def test_no_number_is_given_twice_over_kills_and_losses(box: Box) -> None:
    """Also none that was taken by an image of which nothing is left."""
    taken: list[str] = []

    def take() -> None:
        taken.extend(box.numbers.of(StudyIdentity(study_instance_uid=new_id())) for _ in range(BLOCK + 3))

    take()
    for lost in ("nothing", "file", "journal"):
        if lost == "file":
            box.file.unlink()
        if lost == "journal":
            box.lose_journal()
        box.begin_again()
        take()
    box.file.write_bytes(b"torn")
    box.begin_again()
    take()
    assert len(set(taken)) == len(taken) == 5 * (BLOCK + 3)


def test_numbers_are_reserved_before_the_first_of_them_is_taken(box: Box) -> None:
    first = ordinal_of(box.numbers.of(StudyIdentity(study_instance_uid="1.2")))
    assert reserved_by(box.state_dir) == first + BLOCK
    for number in range(BLOCK - 1):
        box.numbers.of(StudyIdentity(study_instance_uid=f"1.{number}.9"))
    assert reserved_by(box.state_dir) == first + BLOCK, "one block does for so many exams"
    box.numbers.of(StudyIdentity(study_instance_uid="1.4"))
    assert reserved_by(box.state_dir) == first + 2 * BLOCK


def test_the_numbers_in_the_spool_count_when_all_else_is_lost(box: Box) -> None:
    known = {box.number(box.receive(f"1.{number}")) for number in range(5)}
    box.lose_journal()
    box.file.unlink()
    box.begin_again()
    assert {study.exam_number for study in Studies(box.journal).newest(10)} == known
    assert box.number(box.receive("1.99")) not in known


def test_a_rebuilt_journal_gives_each_exam_the_number_that_it_had(box: Box) -> None:
    images = [box.receive(study) for study in ("1.1", "1.2", "1.1", "", "1.3")]
    before = {image.id: box.number(image) for image in images}
    box.lose_journal()
    box.begin_again()
    assert {image.id: box.number(image) for image in images} == before


def test_an_image_that_comes_before_the_spool_was_looked_at_waits_for_the_number_of_its_exam(box: Box) -> None:
    old = box.receive("1.2")
    shown = box.number(old)
    box.lose_journal()
    box.begin_again(goes_through=False)
    known, new = box.receive("1.2"), box.receive("1.7")
    assert [box.number(one) for one in (known, new)] == ["", ""]
    box.go_through()
    assert box.number(known) == box.number(old) == shown
    assert is_exam_number(box.number(new))
    assert [box.recorded(one) for one in (old, known, new)] == [shown, shown, box.number(new)]
    box.lose_journal()
    box.begin_again()
    assert box.number(known) == shown


def test_one_whose_row_comes_when_all_others_have_their_numbers_gets_its_own(box: Box) -> None:
    """It was let in before, and its row is written after that."""
    box.begin_again(goes_through=False)
    new = box.receive("1.2", row=False)
    assert new.exam_number == ""
    box.numbers.settle()
    Instances(box.journal).add(new)
    box.numbers.give_missing()
    box.begin_again(in_order=True)
    assert box.number(new) == box.recorded(new) != ""


def test_a_kill_between_file_and_row_leaves_a_number_that_only_this_exam_has(box: Box) -> None:
    cut_short = box.receive("1.2", row=False)
    box.begin_again(goes_through=False)
    meanwhile = box.receive("1.3")
    box.go_through()
    assert box.number(cut_short) == cut_short.exam_number
    assert box.number(meanwhile) not in {"", cut_short.exam_number}


def test_the_number_of_a_forgotten_exam_is_not_given_again(box: Box) -> None:
    first = box.receive("1.2")
    shown = box.number(first)
    box.forget(first.id)
    box.clock.now += 2 * REMEMBERED_SECONDS
    again = box.receive("1.2")
    assert box.number(again) != shown
    box.forget(again.id)
    box.lose_journal()
    box.begin_again()
    assert box.number(box.receive("1.2")) not in {shown, again.exam_number}


def test_a_file_that_brings_the_number_of_another_exam_gets_a_new_one(box: Box) -> None:
    mine = box.receive("1.2")
    stranger = put_in_spool(
        box.spool, b"x", new_instance(study=StudyIdentity(study_instance_uid="1.9"), exam_number=mine.exam_number)
    )
    box.begin_again()
    assert box.number(mine) == mine.exam_number
    assert box.number(stranger) == box.recorded(stranger) != mine.exam_number


def test_what_is_no_number_in_a_record_is_not_believed(box: Box) -> None:
    odd = put_in_spool(box.spool, b"x", new_instance(exam_number="K7-42G"))
    box.begin_again()
    assert box.number(odd) == box.recorded(odd) == exam_number(1)


def test_records_that_were_not_renewed_yet_lose_no_number_that_a_report_shows(box: Box) -> None:
    old = put_in_spool(box.spool, b"x", new_instance())
    shown = exam_number(4711)
    report = RenderedReport(1, (), "{}", urgent=False, exam_number=shown)
    go_through(box.journal, box.spool, numbers=box.numbers, rendered=lambda key: report if key == old.id else None)
    assert box.number(old) == shown
    assert ordinal_of(box.number(box.receive("1.2"))) > 4711


def test_where_no_number_can_be_reserved_none_is_given_and_the_box_goes_on(box: Box) -> None:
    older = put_in_spool(box.spool, b"x", new_instance())
    station_folder(box.state_dir).write_text("in the way", encoding="ascii")
    box.begin_again()
    assert box.number(older) == ""
    with pytest.raises(StorageError, match="cannot be written"):
        box.numbers.of(StudyIdentity(study_instance_uid="1.2"))
    station_folder(box.state_dir).unlink()
    assert is_exam_number(box.number(box.receive("1.2")))
    box.begin_again(in_order=True)
    assert is_exam_number(box.number(older))
    assert box.recorded(older) == box.number(older)


def test_after_a_restore_no_number_is_given_that_may_have_been_shown_since_the_backup(box: Box) -> None:
    before = box.receive("1.2")
    box.journal.copy_to(box.state_dir / "backup.sqlite")
    since = [box.numbers.of(StudyIdentity(study_instance_uid=f"1.3.{number}")) for number in range(3 * BLOCK)]
    reserved = reserved_by(box.state_dir)
    box.lose_journal()
    box.file.unlink()
    (box.state_dir / "backup.sqlite").rename(box.state_dir / "journal.sqlite")
    restored = Journal(box.state_dir / "journal.sqlite")
    after_restore(restored, (), reserved, days=0.0)
    restored.close()
    box.begin_again()
    assert box.number(before) == before.exam_number
    assert box.number(box.receive("1.9")) not in since
    assert ordinal_of(box.number(box.receive("1.10"))) > max(map(ordinal_of, since))


def test_of_two_restores_of_one_backup_the_later_repeats_no_number_of_the_earlier(box: Box) -> None:
    box.receive("1.2")
    box.journal.copy_to(box.state_dir / "backup.sqlite")
    lowest, highest = [], []
    for days in (3.0, 10.0):
        box.lose_journal()
        box.file.unlink()
        shutil.copy(box.state_dir / "backup.sqlite", box.state_dir / "journal.sqlite")
        restored = Journal(box.state_dir / "journal.sqlite")
        after_restore(restored, (), 0, days=days)
        restored.close()
        box.begin_again()
        lowest.append(ordinal_of(box.number(box.receive(f"1.{days}"))))
        busiest_week = [box.numbers.of(StudyIdentity(study_instance_uid=f"1.{days}.{n}")) for n in range(7 * 450)]
        highest.append(max(map(ordinal_of, busiest_week)))
    assert lowest[1] > highest[0]


def test_a_rebuild_by_another_process_leaves_no_number_to_be_given_twice(box: Box) -> None:
    given = [box.receive(f"1.2.{number}").exam_number for number in range(3)]
    put_in_spool(box.spool, b"x", new_instance(exam_number=(distant := exam_number(4711))))
    box.lose_journal()
    box.file.unlink()
    box.begin_again()  # the rebuild
    box.begin_again(in_order=True, goes_through=False)  # the daemon: it knows the spool by the journal only
    later = [box.numbers.of(StudyIdentity(study_instance_uid=f"1.9.{number}")) for number in range(2 * BLOCK)]
    assert all(map(is_exam_number, later))
    assert not {*given, distant} & set(later)


def test_numbers_that_the_journal_has_are_given_to_nobody_else_whatever_the_reservations_say(box: Box) -> None:
    given = [box.receive(f"1.2.{number}").exam_number for number in range(BLOCK + 3)]
    with box.journal.transaction() as connection:
        put(connection, FACT, "1")
    box.file.unlink()
    box.begin_again(in_order=True, goes_through=False)
    later = [box.numbers.of(StudyIdentity(study_instance_uid=f"1.9.{number}")) for number in range(2 * BLOCK)]
    assert not set(given) & set(later)
    assert all(map(is_exam_number, later))


# ---------------------------------------------------------------- an older box


def test_the_exams_of_an_older_box_get_numbers_at_the_next_start_and_keep_them(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    connection = sqlite3.connect(state / "journal.sqlite")
    connection.executescript((JOURNALS / "version-6.sql").read_text(encoding="utf-8"))
    connection.close()
    box = Box(state)
    older = Instances(box.journal).listed()
    for record in older:
        put_in_spool(box.spool, b"content", new_instance(id=record.id, spool_name=record.spool_name))
    box.begin_again(in_order=True)
    numbers = {study.key: study.exam_number for study in Studies(box.journal).newest(100)}
    assert len(set(numbers.values())) == len(numbers) == 4
    assert all(map(is_exam_number, numbers.values()))
    assert box.journal.count("studies WHERE exam_number IS NULL") == 0
    for record in older:
        written = read_record(box.spool.path(record.spool_name))
        assert isinstance(written, Arrival)
        assert written.exam_number == numbers[record.study_key]
    box.begin_again(in_order=True)
    assert {study.key: study.exam_number for study in Studies(box.journal).newest(100)} == numbers
    for journal in (box.journal, *box.left_open):
        journal.close()


# ---------------------------------------------------------------- a real intake, killed

RECEIVES = textwrap.dedent("""\
    import sys
    from pathlib import Path
    from leapfrog.intake.admission import Admission
    from leapfrog.intake.instance_header import read_header
    from leapfrog.state.exam_numbers import ExamNumbers
    from leapfrog.state.journal import Journal
    from leapfrog.state.spool import Spool

    state = Path(sys.argv[1])
    journal, spool = Journal(state / "journal.sqlite"), Spool(state / "spool", 0)
    admission = Admission(journal, spool, ExamNumbers(journal, state, settled=True), ("district",), lambda: None)
    print("begins", flush=True)
    for film in sorted((state / "films").iterdir()):
        incoming = spool.incoming / film.name
        incoming.write_bytes(film.read_bytes())
        instance = admission.admit_dicom(incoming, read_header(incoming), "test")
        number = journal.row("SELECT exam_number FROM studies JOIN instances ON key = study_key WHERE id = ?", (instance,))
        print("shown", instance, number["exam_number"], flush=True)
""")  # noqa: E501
STRACE = shutil.which("strace")


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("call", "number"), [("fsync", 1), ("fsync", 3), ("fsync", 5), ("fdatasync", 4), ("fdatasync", 6), ("rename", 2)]
)
def test_a_kill_in_the_midst_of_an_arrival_neither_changes_nor_repeats_a_number(
    tmp_path: Path, call: str, number: int
) -> None:
    meta = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
    films = tmp_path / "films"
    films.mkdir()
    for index in range(4):
        (films / f"{index}").write_bytes(meta + data_set(f"1.2.3.{index}", patient_id=f"P{index // 2}"))
    done = subprocess.run(
        [STRACE or "", "-f", "-qq", "-o", "/dev/null", "-P", str(tmp_path / "spool"), "-P",
         str(tmp_path / "station" / f".{FILE_NAME}.part"), "-P", str(tmp_path / "journal.sqlite-wal"),
         "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}",
         sys.executable, "-c", RECEIVES, str(tmp_path)],
        capture_output=True, text=True, env=os.environ, timeout=120, check=False,
    )  # fmt: skip
    assert "begins" in done.stdout, done.stderr
    shown = dict(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("shown"))
    for lose_journal in (False, True):
        again = Box(tmp_path)
        if lose_journal:
            again.journal.close()
            again.lose_journal()
        again.begin_again()
        listed = Instances(again.journal).listed()
        numbers = {record.id: record.exam_number for record in listed}
        assert shown.items() <= numbers.items()
        assert len({record.exam_number for record in listed}) == len({record.study_key for record in listed})
        assert again.number(again.receive(f"1.77.{lose_journal}")) not in numbers.values()
        for journal in (again.journal, *again.left_open):
            journal.close()
