"""What nerve's manifest makes the kiosk draw and measure in real scans, with a tiny model in the network's place."""

import json
from pathlib import Path

from leapfrog.commands.read import read_files
from leapfrog.exam import PictureHints
from leapfrog.settings import load_settings
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.nerve.manifest import NERVE, VESSEL, nerve_manifest
from leapfrog_training.packaging.package import write_package
from support.tiny_models import nerve_and_vessel_content


def test_nerves_are_outlined_and_vessels_hatched_on_the_report_of_a_real_scan(
    shared_data: Path, tmp_path: Path
) -> None:
    """The tiny model takes what is bright for a nerve and what is nearly black for a vessel: every scan has both, up to
    the sides of its sector, beyond which nobody saw.
    """
    (tmp_path / "tiny.tflite").write_bytes(nerve_and_vessel_content())
    with KioskModel(tmp_path / "tiny.tflite") as model:
        manifest = nerve_manifest("0.1.0", model, {NERVE: 0.5, VESSEL: 0.5})
    write_package(tmp_path / "packages" / "nerve", manifest, nerve_and_vessel_content(), "# nerve 0.1.0\n")
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(
        f'[station]\nstate_dir = "{tmp_path / "state"}"\n[models]\npaths = ["{tmp_path / "packages"}"]\n'
    )
    scan = min((shared_data / "dicom" / "us_brachial_GPL3").glob("*.dcm"))
    (result,) = read_files([scan], tmp_path / "out", load_settings(settings), PictureHints(), progress=None)
    assert result.report is not None
    (image,) = json.loads(result.report.with_suffix(".json").read_text())["images"]
    nerve, vessel = image["findings"]
    assert image["outcome"] == "findings" and nerve["flagged"] and vessel["flagged"]
    assert len(nerve["contour"]) >= 1 and nerve["measurement"] is None
    text = result.report.read_text()
    assert "Outline: Nerve" in text and "Hatched: Vessel" in text
    assert "so its area is not given" in text and "mm²" not in text
    assert list(result.report.parent.glob("overlay-*.jpg"))
