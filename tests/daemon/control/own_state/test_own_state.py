"""What a box says of itself: true, signed, in order, small, and of no patient."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from leapfrog.bundle_state import BUNDLES_NAME, STATE_NAME, BundleState
from leapfrog.control.own_state.metrics import metrics_text
from leapfrog.control.own_state.own_state import OwnState
from leapfrog.control.status import StatusSource
from leapfrog.errors import CannotBeSigned
from leapfrog.exam import Identity
from leapfrog.fleet.box_state import BoxState
from leapfrog.fleet.signed_state import read_state
from leapfrog.packages.catalogue import Catalogue
from leapfrog.settings import Settings
from leapfrog.state.action_log import newest_hash, note_action
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.spool import Spool
from leapfrog.state.station.station_key import StationKey, station_key
from leapfrog.state.studies import Studies
from support.journal_rows import commit, fill, new_instance, original_delivery, reading_of, report

MARKER = "MARKER"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def key(tmp_path: Path) -> StationKey:
    return station_key(tmp_path)


def own_state(journal: Journal, key: StationKey | None, settings: Settings | None = None, **values: Any) -> OwnState:
    directory = journal.path.parent
    chosen = settings or Settings.model_validate({"station": {"name": "Clinic Hill", "state_dir": directory}})
    source = StatusSource(
        settings=chosen, journal=journal, deliveries=Deliveries(journal), spool=Spool(directory / "spool", 0)
    )
    return OwnState(journal=journal, source=source, models=Catalogue, station_key=lambda: key, **values)


def said(journal: Journal, **values: Any) -> BoxState:
    return own_state(journal, None, **values).collected()


def test_it_is_signed_by_the_station_key_and_read_by_the_district(journal: Journal, key: StationKey) -> None:
    read = read_state(own_state(journal, key).signed())
    assert read.station_key == key.public_key
    assert read.state.box == "Clinic Hill"
    assert abs(read.state.made_at.timestamp() - time.time()) < 5


def test_a_box_without_a_key_says_so(journal: Journal) -> None:
    with pytest.raises(CannotBeSigned, match="no station key"):
        own_state(journal, None).signed()


def test_what_is_owed_is_told_for_each_destination_with_what_it_refused(journal: Journal) -> None:
    settings = Settings.model_validate(
        {
            "station": {"state_dir": journal.path.parent},
            "district": {"url": "https://d/dicom-web"},
            "destination": [{"name": "province", "url": "https://p/dicom-web"}],
        }
    )
    for owed_to in (("district",), ("district", "gone")):
        Instances(journal).add(new_instance(owed_to=owed_to))
    first = journal.rows("SELECT id FROM deliveries ORDER BY sequence LIMIT 1")[0]["id"]
    Deliveries(journal).refuse(first, "no")
    owed = said(journal, settings=settings).owed
    assert {name: (one.count, one.bytes) for name, one in owed.items()} == {
        "district": (2, 2000),
        "province": (0, 0),
        "gone": (1, 1000),
    }
    assert owed["province"].oldest_seconds is None
    assert owed["gone"].oldest_seconds is not None


def test_a_journal_that_is_made_anew_changes_nothing_in_the_order_of_states(
    journal: Journal, key: StationKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_state(own_state(journal, key).signed())
    monkeypatch.setattr("leapfrog.control.own_state.numbering.time.time", lambda: 0.0)
    (tmp_path / "journal.sqlite").rename(tmp_path / "lost.sqlite")
    with closing(Journal(tmp_path / "journal.sqlite")) as anew:
        assert read_state(own_state(anew, key).signed()).is_later_than(before)


def marked_identity() -> Identity:
    """Every text of it a marker word."""
    texts = {
        name: f"{MARKER}^{name.upper()}"
        for name, field in Identity.model_fields.items()
        if field.annotation is str and field.default is not PydanticUndefined
    }
    return Identity(**{**texts, "age_set_here": None})  # type: ignore[arg-type]


def a_troubled_box(journal: Journal) -> None:
    """All that is told of an exam: set aside, damaged, renamed, refused, lacking objects, answered for another."""
    identity = StudyIdentity(**{one.name: f"{MARKER}.{one.name}" for one in fields(StudyIdentity)})
    for number, state in enumerate(("read", "set_aside", "forward_only")):
        new = new_instance(study=identity, exam_number="K7-42F", forward_as=f"2.25.{number}", source=f"{MARKER}AE")
        Instances(journal).add(new)
        reading = reading_of(new.id, reason=f"{MARKER} is not readable").model_copy(
            update={"identity": marked_identity()}
        )
        commit(journal, new.id, state, reading=reading)
        delivery = original_delivery(journal, new.id)["id"]
        Deliveries(journal).refuse(delivery, f"{MARKER} refused")
    (study,) = Studies(journal).newest(1)
    report(journal, study.key, 1)
    with journal.transaction() as connection:
        connection.execute("UPDATE instances SET file_problem = 'damaged', file_problem_since = received_at")
        connection.execute("UPDATE studies SET exam_number = 'K7-42F', not_made = '[\"A picture is too large.\"]'")
        connection.execute(
            "INSERT INTO answers (id, study_key, state, sop_class_uid, sop_instance_uid, series_instance_uid,"
            " received_at, last_error) VALUES ('a', ?, 'another_patient', '1', ?, ?, '2026-11-30T08:00:00+00:00', ?)",
            (study.key, MARKER, MARKER, MARKER),
        )


def test_nothing_of_a_patient_or_an_exam_is_told(journal: Journal, key: StationKey) -> None:
    a_troubled_box(journal)
    folder = journal.path.parent
    settings = Settings.model_validate(
        {
            "station": {"state_dir": folder, "reports_dir": folder / f"reports of {MARKER}"},
            "folder": {"paths": [folder / f"films of {MARKER}, Grace"]},
            "district": {"url": "https://d/dicom-web", "client_certificate": folder / f"{MARKER}.pem"},
        }
    )
    box = own_state(journal, key, settings)
    state = box.collected()
    told = " ".join(one.what for one in state.attention)
    for part in ("could not be read", "damaged", "in full", "cannot be delivered", "watched folder"):
        assert part in told, told
    for text in (box.signed().decode(), metrics_text(state), told):
        assert MARKER not in text
        assert "K7-42F" not in text
        assert str(folder) not in text


def test_a_state_is_small_and_bounded_whatever_the_settings_and_the_journal_hold(
    journal: Journal, key: StationKey
) -> None:
    fill(journal, 300)
    usual = own_state(journal, key).signed()
    assert len(usual) < 8_000
    many = [{"name": f"d{number:030d}", "url": f"https://h/{number}"} for number in range(90)]
    settings = Settings.model_validate({"station": {"state_dir": journal.path.parent}, "destination": many})
    state = read_state(own_state(journal, key, settings).signed()).state
    assert len(state.owed) == 50


def test_what_persons_did_is_told_as_counts(journal: Journal) -> None:
    for _ in range(2):
        note_action(journal.path.parent, "export", "K7-42F", f"to {MARKER}")
    state = said(journal)
    assert state.actions["export"] == 2
    assert state.newest_action == newest_hash(journal.path.parent)
    assert "K7-42F" not in state.model_dump_json()


def test_the_bundle_in_use_is_told(journal: Journal) -> None:
    folder = journal.path.parent / BUNDLES_NAME
    folder.mkdir()
    in_use = BundleState(present=7, since="2026-11-30T08:00:00+02:00")
    (folder / STATE_NAME).write_text(in_use.model_dump_json())
    bundle = said(journal).bundle
    assert bundle is not None
    assert (bundle.number, bundle.since and bundle.since.isoformat("T", "minutes")[:4]) == (7, "2026")


def test_with_many_exams_it_takes_no_longer(journal: Journal, key: StationKey) -> None:
    fill(journal, 20_000)
    box = own_state(journal, key)
    box.collected()
    took = []
    for _ in range(5):
        began = time.perf_counter()
        box.collected()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1
