"""Half a minute of a clinic's day over a slow link; `tests/clinic_day/run` has an hour."""

from pathlib import Path

import pytest

from clinic_day.day import live
from clinic_day.plan import plan_day
from clinic_day.table import AIMS, write
from support.namespaces import why_no_namespaces
from support.orthanc import orthanc_program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.skipif(bool(why_no_namespaces()), reason=why_no_namespaces() or "-"),
    pytest.mark.skipif(orthanc_program() is None, reason="Orthanc with its DICOMweb plug-in is not installed"),
]


def test_results_are_confirmed_soon_while_films_wait_on_a_slow_link(tmp_path: Path) -> None:
    plan = plan_day(30.0, exams_per_hour=120, queued=5, film_bytes=8_000_000, seed=3)
    result = live(plan, tmp_path, lambda sentence: None)
    of_urgent = {one.kind: one for one in result.objects if one.urgent and one.confirmed_at is not None}
    for kind, aim in AIMS.items():
        confirmed_at = of_urgent[kind].confirmed_at
        assert confirmed_at is not None and confirmed_at - of_urgent[kind].owed_at <= aim
    reports = [one for one in result.objects if one.kind == "structured_report"]
    assert len(reports) == len(plan.exams) and all(one.confirmed_at is not None for one in reports)
    assert (result.missing, result.doubled, result.fatal) == (0, 0, [])
    originals = result.samples[-1][1]["outbox-district-originals"]
    assert originals > 20_000, "originals go on"
    table = write(result, tmp_path / "results", "trial", {})
    assert "structured report" in table.read_text()
