"""The district's own authority: what it signs, what it takes back, and what it refuses."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from leapfrog.commands.stations import known_stations
from leapfrog.district_key import district_key
from leapfrog.settings import load_settings
from leapfrog.state.station.station_key import station_key

PROGRAM = Path(__file__).resolve().parents[2] / "config" / "district" / "authority"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@dataclass(frozen=True)
class Authority:
    folder: Path

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        places = [
            word
            for name in ("home", "tls", "issuers", "stations", "boxes", "district")
            for word in (f"--{name}", f"{self.folder}/{name}")
        ]
        return subprocess.run([PROGRAM, *words, *places], capture_output=True, text=True, check=False, input=given)

    def do(self, *words: str, given: str = "") -> str:
        done = self.run(*words, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def issued(self, box: str) -> Path:
        return self.folder / "home" / "issued" / box

    def certificate(self, box: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.issued(box) / "client.pem").read_bytes())

    def taken_back(self) -> set[int]:
        return {one.serial_number for one in x509.load_pem_x509_crl((self.folder / "tls/revoked.pem").read_bytes())}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    (tmp_path / "tls").mkdir()
    made.do("create")
    return made


def test_a_box_gets_a_certificate_with_its_name_that_only_a_client_can_use(authority: Authority) -> None:
    authority.do("issue", "kitui")
    certificate = authority.certificate("kitui")
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert name.value == "kitui"
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1000)
    certificate.verify_directly_issued_by(
        x509.load_pem_x509_certificate((authority.issued("kitui") / "district-ca.pem").read_bytes())
    )


def test_its_keys_are_for_root_alone(authority: Authority) -> None:
    authority.do("issue", "kitui")
    keys = [authority.folder / "home/ca.key", authority.issued("kitui") / "client.key"]
    assert [key.stat().st_mode & 0o077 for key in keys] == [0, 0]


def test_the_settings_that_come_with_it_are_ones_that_a_box_takes(authority: Authority, tmp_path: Path) -> None:
    authority.do("issue", "kitui", "--issuer", "KITUI")
    settings = load_settings(authority.issued("kitui") / "leapfrog.toml")
    assert settings.station.issuer_of_patient_id == "KITUI"
    assert settings.district.url.endswith("/dicom-web")
    assert settings.fleet.url.endswith("/boxes/kitui.json")
    assert settings.district.public_key == "", "this district has none"
    assert (tmp_path / "issuers").read_text() == "kitui KITUI\n"


@pytest.mark.parametrize(("issuers", "told"), [("* MOH\n", "MOH"), ("* MOH\nkitui KITUI\n", "KITUI"), ("* -\n", "")])
def test_a_box_is_told_the_issuer_under_which_its_numbers_are_filed(
    authority: Authority, tmp_path: Path, issuers: str, told: str
) -> None:
    (tmp_path / "issuers").write_text(issuers)
    authority.do("issue", "kitui")
    assert load_settings(authority.issued("kitui") / "leapfrog.toml").station.issuer_of_patient_id == told


def test_a_box_without_a_certificate_has_an_issuer_too(authority: Authority, tmp_path: Path) -> None:
    key = station_key(tmp_path / "box").public_pem
    said = authority.do("station", "mwingi", "--issuer", "MWINGI", given=key)
    assert 'issuer_of_patient_id = "MWINGI"' in said
    assert (tmp_path / "issuers").read_text() == "mwingi MWINGI\n"


def test_no_two_clinics_can_file_two_patients_under_one_number(authority: Authority, tmp_path: Path) -> None:
    """2-17 of kitui, and 17 of kitui-2."""
    authority.do("issue", "kitui")
    key = station_key(tmp_path / "box").public_pem
    for command, given in (("issue", ""), ("station", key)):
        refused = authority.run(command, "kitui-2", given=given)
        assert (refused.returncode, "--issuer" in refused.stderr) == (1, True)
    authority.do("issue", "kitui-2", "--issuer", "KITUI2")
    authority.do("renew", "kitui")
    authority.do("issue", "kitui-3", "--issuer", "KITUI2")  # two boxes of one clinic


def test_a_key_that_was_made_on_the_box_never_leaves_it(authority: Authority, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    (tmp_path / "box.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    authority.do("issue", "kitui", "--request", str(tmp_path / "box.csr"))
    assert authority.certificate("kitui").public_key() == key.public_key()
    assert authority.certificate("kitui").subject.rfc4514_string() == "CN=kitui"
    assert not (authority.issued("kitui") / "client.key").exists()


def test_a_renewed_certificate_serves_beside_the_old_one_and_a_stolen_box_loses_both(authority: Authority) -> None:
    authority.do("issue", "kitui")
    old = authority.certificate("kitui").serial_number
    authority.do("issue", "mwingi")
    authority.do("renew", "kitui")
    new = authority.certificate("kitui").serial_number
    assert old != new
    assert authority.taken_back() == set()
    authority.do("revoke", "kitui")
    assert authority.taken_back() == {old, new}
    lines = authority.do("list").splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["kitui", "taken", "back"],
        ["kitui", "taken", "back"],
        ["mwingi", "valid", "until"],
    ]


def test_the_list_of_those_taken_back_does_not_end_while_boxes_have_certificates(authority: Authority) -> None:
    """A server with a list that has ended lets nobody in."""
    authority.do("issue", "kitui")
    listed = x509.load_pem_x509_crl((authority.folder / "tls/revoked.pem").read_bytes())
    assert listed.next_update_utc is not None
    assert listed.next_update_utc > authority.certificate("kitui").not_valid_after_utc


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("issue", "kitui"), "kitui has a certificate"),
        (("issue", "../kitui"), "is no name for a box"),
        (("issue", "two words"), "is no name for a box"),
        (("issue", "mwingi", "--issuer", "no issuer"), "is no issuer"),
        (("renew", "mwingi"), "mwingi has no certificate"),
        (("revoke", "mwingi"), "no certificate of mwingi is valid"),
    ],
)
def test_it_says_what_is_wrong_and_changes_nothing(authority: Authority, words: tuple[str, ...], said: str) -> None:
    authority.do("issue", "kitui")
    before = authority.do("list")
    done = authority.run(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert authority.do("list") == before


def test_to_make_it_again_leaves_it_as_it_is(authority: Authority) -> None:
    before = (authority.folder / "home/ca.key").read_bytes()
    authority.do("create")
    assert (authority.folder / "home/ca.key").read_bytes() == before


# ------------------------------------------------------------------------------------------------ what boxes sign


def public_pem(tmp_path: Path, box: str) -> str:
    return station_key(tmp_path / f"state-of-{box}").public_pem


def test_what_a_registered_box_signs_is_believed(authority: Authority, tmp_path: Path) -> None:
    pem = public_pem(tmp_path, "kitui")
    said = authority.do("station", "kitui", given=pem)
    assert "What kitui signs is believed here" in said
    key = station_key(tmp_path / "state-of-kitui")
    assert known_stations(None, tmp_path / "stations").name(key.id) == "kitui"
    authority.do("station", "kitui", given=pem)  # once more is nothing new
    assert [file.name for file in (tmp_path / "stations").iterdir()] == ["kitui.pem"]


def test_another_key_takes_the_place_of_one_only_when_somebody_says_so(authority: Authority, tmp_path: Path) -> None:
    authority.do("station", "kitui", given=public_pem(tmp_path, "kitui"))
    refused = authority.run("station", "kitui", given=public_pem(tmp_path, "new"))
    assert refused.returncode == 1
    assert "kitui has another key here" in refused.stderr
    assert (tmp_path / "stations/kitui.pem").read_text() == public_pem(tmp_path, "kitui")
    authority.do("station", "kitui", "--replace", given=public_pem(tmp_path, "new"))
    assert (tmp_path / "stations/kitui.pem").read_text() == public_pem(tmp_path, "new")


@pytest.mark.parametrize(
    ("box", "of", "said"),
    [
        ("mwingi", "kitui", "two boxes with one key"),
        ("KITUI", "another", "the same name to people"),
        ("../kitui", "another", "is no name for a box"),
        ("mwingi", "", "no public key of a box"),
    ],
)
def test_who_signed_is_never_left_open(authority: Authority, tmp_path: Path, box: str, of: str, said: str) -> None:
    authority.do("station", "kitui", given=public_pem(tmp_path, "kitui"))
    refused = authority.run("station", box, given=public_pem(tmp_path, of) if of else "")
    assert refused.returncode == 1
    assert said in refused.stderr
    assert [file.name for file in (tmp_path / "stations").iterdir()] == ["kitui.pem"]


def test_a_key_of_another_kind_is_refused(authority: Authority) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert "no public key of a box" in authority.run("station", "kitui", given=pem).stderr


def test_what_a_stolen_box_signs_is_believed_no_more(authority: Authority, tmp_path: Path) -> None:
    authority.do("issue", "kitui")
    authority.do("station", "kitui", given=public_pem(tmp_path, "kitui"))
    authority.do("revoke", "kitui")
    assert list((tmp_path / "stations").iterdir()) == []
    authority.do("station", "by-stick-alone", given=public_pem(tmp_path, "by-stick-alone"))
    authority.do("revoke", "by-stick-alone")
    assert list((tmp_path / "stations").iterdir()) == []


def test_what_a_stolen_box_said_of_itself_is_no_file_of_a_stranger_afterwards(
    authority: Authority, tmp_path: Path
) -> None:
    left = [tmp_path / "boxes" / name for name in ("kitui.json", "by-stick/kitui.json", "mwingi.json")]
    (tmp_path / "boxes/by-stick").mkdir(parents=True)
    for file in left:
        file.write_text("{}")
    authority.do("issue", "kitui")
    authority.do("revoke", "kitui")
    assert [file.exists() for file in left] == [False, False, True]


def test_whoever_renames_a_box_is_told_how(authority: Authority, tmp_path: Path) -> None:
    authority.do("station", "kitui", given=public_pem(tmp_path, "kitui"))
    refused = authority.run("station", "lamu", given=public_pem(tmp_path, "kitui"))
    assert "If the box was renamed: authority revoke kitui, first" in refused.stderr


def test_a_box_is_told_the_districts_public_line(authority: Authority, tmp_path: Path) -> None:
    line = str(district_key(tmp_path / "district.key").public)
    (tmp_path / "district").write_text(line + "\n")
    authority.do("issue", "kitui")
    assert load_settings(authority.issued("kitui") / "leapfrog.toml").district.public_key == line
