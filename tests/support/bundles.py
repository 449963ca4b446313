"""A district that makes bundles, and boxes that know it."""

import zipfile
from collections.abc import Callable
from pathlib import Path

from leapfrog.bundle_state import read_state
from leapfrog.bundles.bundle_file import LIST_NAME, SIGNATURE_NAME, SIGNED_AS
from leapfrog.bundles.making import make_bundle
from leapfrog.district_key import DistrictKey, district_key
from leapfrog.errors import DaemonNotRunning
from leapfrog.settings import Settings, load_settings
from support.kiosk import Kiosk
from support.toml import toml_document
from support.waiting import wait_until

QUICK_TRIAL_MINUTES = 0.01


class BundlingDistrict:
    """One district, with a folder for its files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key: DistrictKey = district_key(folder / "district.key")

    def bundle(self, number: int, settings: str = '[report]\npage_size = "A5"\n', *models: Path) -> Path:
        """Bundle `number`, with these settings ("" for none) and models."""
        file = self.folder / f"common-{number}.toml"
        file.write_text(settings)
        out = self.folder / f"{number}.zip"
        make_bundle(out, number, file if settings else None, models, self.key)
        return out

    def box(self, state_dir: Path, **sections: dict[str, object]) -> Settings:
        """The settings of a box without a daemon."""
        tables: dict[str, dict[str, object]] = {
            "station": {"state_dir": str(state_dir)},
            "district": {"public_key": str(self.key.public)},
            "retention": {"min_free_bytes": 0},
        }
        for name, table in sections.items():
            tables.setdefault(name, {}).update(table)
        state_dir.mkdir(parents=True, exist_ok=True)
        file = state_dir.parent / f"{state_dir.name}.toml"
        file.write_text(toml_document(tables))
        return load_settings(file)

    def kiosk(self, folder: Path, *, url: str = "http://127.0.0.1:9/dicom-web", **sections: dict[str, object]) -> Kiosk:
        """A real box, which tries a bundle for less than a second."""
        fleet = {"bundle_trial_minutes": QUICK_TRIAL_MINUTES} | sections.pop("fleet", {})
        district = {"url": url, "public_key": str(self.key.public)} | sections.pop("district", {})
        report = {"quiet_seconds": 0.2} | sections.pop("report", {})
        return Kiosk(folder, destination=(), district=district, fleet=fleet, report=report, **sections)


def altered(bundle: Path, out: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of a bundle with other files: `change` says what becomes of each, None for nothing."""
    with zipfile.ZipFile(bundle) as archive, zipfile.ZipFile(out, "w") as copy:
        for member in archive.infolist():
            content = change(member.filename, archive.read(member))
            if content is not None:
                copy.writestr(member, content)
    return out


def signed_again(bundle: Path, out: Path, key: DistrictKey, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a bundle with another list, which the district signed all the same."""
    with zipfile.ZipFile(bundle) as archive:
        content = change(archive.read(LIST_NAME))
    files = {LIST_NAME: content, SIGNATURE_NAME: key.sign(SIGNED_AS + content)}
    return altered(bundle, out, files.get)


def wait_for_bundle(kiosk: Kiosk, number: int | None) -> None:
    """Until the box has settled with this bundle, or with none."""

    def settled() -> bool:
        state = read_state(kiosk.state_dir)
        if state.present != number or state.trial is not None or state.step is not None:
            return False
        try:
            return bool(kiosk.status()["listening"])
        except DaemonNotRunning:
            return False

    wait_until(settled, f"the box has bundle {number}", deadline_seconds=60)
