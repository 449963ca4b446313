"""What a run has read so far outlives the run."""

from pathlib import Path

from leapfrog.commands.evaluate.kept import READ_NAME, Kept, KeptImage
from leapfrog.evaluation.labelled import SaidOfImage
from leapfrog.evaluation.masks import Overlap

SAID = SaidOfImage(sha256="0" * 64, outcome="not_assessed", reason="Too dark.")
ONE, TWO = (KeptImage(key=key, said=SAID, was_wrong=False) for key in ("one", "two"))
WITH = {"packages": [("tiny-chest", "1")]}


def test_a_run_goes_on_after_a_line_that_was_cut_short(tmp_path: Path) -> None:
    kept = Kept(tmp_path, WITH)
    kept.add(ONE)
    kept.add(TWO)
    kept.close()
    file = tmp_path / READ_NAME
    file.write_bytes(file.read_bytes()[:-20])

    again = Kept(tmp_path, WITH)
    assert (again.get("one"), again.get("two")) == (ONE, None)
    again.add(TWO)
    again.close()
    assert Kept(tmp_path, WITH).get("two") == TWO
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_package_starts_afresh(tmp_path: Path) -> None:
    kept = Kept(tmp_path, WITH)
    kept.add(ONE)
    kept.close()
    assert Kept(tmp_path, {"packages": [("tiny-chest", "2")]}).get("one") is None


def test_an_outline_beside_its_mask_is_kept(tmp_path: Path) -> None:
    outlined = KeptImage(
        key="one", said=SAID.model_copy(update={"overlaps": {"Nerve": Overlap(1, 2, 3)}}), was_wrong=True
    )
    kept = Kept(tmp_path, WITH)
    kept.add(outlined)
    kept.close()
    assert Kept(tmp_path, WITH).get("one") == outlined
