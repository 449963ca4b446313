"""A run's folder: taken up again, and by the right step only."""

from pathlib import Path

import pytest

from leapfrog_training.errors import RunError
from leapfrog_training.run.folder import PackageName, RunNotes, begin_run, open_run

NOTES = RunNotes(package=PackageName.CHEST_FINDINGS, seeds=1, folds=2, findings=("Edema",), left_out=())


def test_a_run_is_taken_up_again_but_not_with_other_settings(tmp_path: Path) -> None:
    first = begin_run(tmp_path, NOTES)
    first.with_notes(
        NOTES.model_copy(update={"epochs": 3, "shipped": ("Edema",), "within_abnormal": {"Edema": (0.7, 0.6, 0.8)}})
    )
    assert begin_run(tmp_path, NOTES).epochs == 3
    with pytest.raises(RunError, match="other data or settings"):
        begin_run(tmp_path, NOTES.model_copy(update={"seeds": 2}))
    with pytest.raises(RunError, match="other data or settings"):
        begin_run(tmp_path, NOTES.model_copy(update={"without": ("RSNA-normal",)}))


def test_every_network_has_a_folder_of_its_own_also_those_without_a_source(tmp_path: Path) -> None:
    run = begin_run(tmp_path, NOTES.model_copy(update={"without": ("ChestX-ray14", "RSNA-normal")}))
    names = [job.folder.name for job in run.jobs()]
    assert names == ["seed-0", "fold-0", "fold-1", "without-chestx-ray14", "without-rsna-normal"]
    assert run.without("RSNA-normal").folder == run.jobs()[-1].folder


def test_a_run_whose_fit_has_not_ended_says_so(tmp_path: Path) -> None:
    begin_run(tmp_path, NOTES)
    with pytest.raises(RunError, match="fit has not finished"):
        _ = open_run(tmp_path).epochs
