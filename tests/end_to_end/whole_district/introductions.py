"""How a box and its district get to know each other, with the commands that a person would use."""

import shutil

from end_to_end.whole_district.clinic import Clinic
from support.district import District


def introduce_linked(district: District, clinic: Clinic) -> None:
    """A certificate is carried to the box, with what it has to be told; its public key to the district."""
    issued = district.path(str(district.issue(clinic.name, "--issuer", clinic.issuer)))
    for file in issued.iterdir():
        shutil.copy(file, clinic.kiosk.directory)
    clinic.configure((issued / "leapfrog.toml").read_text())
    _make_known(district, clinic)


def introduce_remote(district: District, clinic: Clinic) -> None:
    """The district's public key is carried to the box, and the box's to the district."""
    line = district.do("leapfrog", "receive", "--public-key").strip()
    clinic.configure(f'[station]\nissuer_of_patient_id = "{clinic.issuer}"\n', district={"public_key": line})
    _make_known(district, clinic)


def _make_known(district: District, clinic: Clinic) -> None:
    printed = clinic.kiosk.command("station", "key")
    assert printed.returncode == 0, printed.stderr
    station = 'printf %s "$2" | district-authority station "$0" --issuer "$1"'
    district.do("sh", "-c", station, clinic.name, clinic.issuer, printed.stdout)
