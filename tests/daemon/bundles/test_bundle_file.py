"""A bundle is used only as the district signed it, whatever else is in the file."""

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest

from leapfrog.bundles.bundle_file import LABEL_BYTES, LIST_NAME, number_in_label, opened_bundle
from leapfrog.errors import BundleError, SettingsError, UsageError
from support.bundles import BundlingDistrict, altered, signed_again
from support.tiny_models import write_classifier


@pytest.fixture
def district(tmp_path: Path) -> BundlingDistrict:
    return BundlingDistrict(tmp_path / "district")


def check(path: Path, district: BundlingDistrict) -> int:
    with opened_bundle(path, district.key.public) as bundle:
        bundle.check()
        return bundle.number


def test_what_a_district_made_is_whole_and_its_own(tmp_path: Path, district: BundlingDistrict) -> None:
    bundle = district.bundle(7, '[report]\npage_size = "A5"\n', write_classifier(tmp_path))
    folder = tmp_path / "unpacked"
    folder.mkdir()
    with opened_bundle(bundle, district.key.public) as opened:
        opened.unpack_into(folder)
        assert opened.number == 7
    assert (folder / "settings.toml").read_text() == '[report]\npage_size = "A5"\n'
    packed = folder / "models/tiny-chest_1.2.3/model.tflite"
    assert packed.read_bytes() == (tmp_path / "tiny-chest/model.tflite").read_bytes()


def test_another_districts_bundle_is_nobodys_here(tmp_path: Path, district: BundlingDistrict) -> None:
    other = BundlingDistrict(tmp_path / "other")
    with pytest.raises(BundleError, match="not signed by the district"):
        check(other.bundle(7), district)


@pytest.mark.parametrize("name", ["settings.toml", "bundle.json", "bundle.sig"])
def test_one_changed_byte_is_noticed(tmp_path: Path, district: BundlingDistrict, name: str) -> None:
    forged = altered(
        district.bundle(7),
        tmp_path / "forged.zip",
        lambda found, content: content[:-2] + bytes((content[-2] ^ 1, content[-1])) if found == name else content,
    )
    with pytest.raises(BundleError, match=r"not what the district signed|not signed by the district"):
        check(forged, district)


def test_nothing_may_be_added_or_left_out(tmp_path: Path, district: BundlingDistrict) -> None:
    bundle = district.bundle(7)
    more = tmp_path / "more.zip"
    more.write_bytes(bundle.read_bytes())
    with zipfile.ZipFile(more, "a") as archive:
        archive.writestr("models/own_1/model.toml", b"")
    less = altered(bundle, tmp_path / "less.zip", lambda name, content: None if name == "settings.toml" else content)
    for forged in (more, less):
        with pytest.raises(BundleError, match="exactly the files"):
            check(forged, district)


@pytest.mark.parametrize(
    "name",
    ["../settings.toml", "/etc/leapfrog/leapfrog.toml", "models/a_1/../../x", "models\\a_1\\x", "models/a_1/x\n"],
)
def test_no_name_leads_outside(tmp_path: Path, district: BundlingDistrict, name: str) -> None:
    hostile = tmp_path / "hostile.zip"
    hostile.write_bytes(district.bundle(7).read_bytes())
    with zipfile.ZipFile(hostile, "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(BundleError, match="was not opened"):
        check(hostile, district)


def test_a_link_is_no_file(tmp_path: Path, district: BundlingDistrict) -> None:
    link = zipfile.ZipInfo("models/a_1/model.toml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    hostile = tmp_path / "hostile.zip"
    hostile.write_bytes(district.bundle(7).read_bytes())
    with zipfile.ZipFile(hostile, "a") as archive:
        archive.writestr(link, b"/etc/shadow")
    with pytest.raises(BundleError, match="a link"):
        check(hostile, district)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": 10**12},
        {"format": 2},
        {"files": {"run.sh": {"byte_count": 1, "sha256": "0" * 64}}},
        {"files": {"models/a_1/x": {"byte_count": 1 << 40, "sha256": "0" * 64}}},
        {"files": {"settings.toml": {"byte_count": 1 << 27, "sha256": "0" * 64}}},
    ],
)
def test_a_list_that_no_bundle_has_is_refused_even_if_it_is_signed(
    tmp_path: Path, district: BundlingDistrict, change: dict[str, object]
) -> None:
    strange = signed_again(
        district.bundle(7),
        tmp_path / "strange.zip",
        district.key,
        lambda content: json.dumps(json.loads(content) | change).encode(),
    )
    with pytest.raises(BundleError, match="cannot be used by this version"):
        check(strange, district)


def test_a_file_that_unpacks_to_more_than_was_signed_is_refused(tmp_path: Path, district: BundlingDistrict) -> None:
    def bomb(name: str, content: bytes) -> bytes:
        return content + bytes(50_000_000) if name == "settings.toml" else content

    with pytest.raises(BundleError, match="not what the district signed"):
        check(altered(district.bundle(7), tmp_path / "bomb.zip", bomb), district)


def test_every_cut_and_every_flipped_bit_ends_in_a_sentence(tmp_path: Path, district: BundlingDistrict) -> None:
    whole = district.bundle(7).read_bytes()
    damaged = tmp_path / "damaged.zip"
    for at in range(0, len(whole), 7):
        for content in (whole[:at], whole[:at] + bytes((whole[at] ^ 0x41,)) + whole[at + 1 :]):
            damaged.write_bytes(content)
            try:
                assert check(damaged, district) == 7  # a date or the like was flipped, which nobody reads
            except BundleError as problem:
                assert str(damaged) in str(problem)


@pytest.mark.parametrize("what", ["without a name", "with half a letter"])
def test_a_name_that_no_file_has_is_called_so(tmp_path: Path, district: BundlingDistrict, what: str) -> None:
    content = bytearray(district.bundle(7).read_bytes())
    entry = content.rindex(b"PK\x01\x02")  # of the list at the end (APPNOTE.TXT 4.3.12)
    if what == "without a name":
        length, content[entry + 28] = content[entry + 28], 0
        content[entry + 32] = length  # its name is its comment now
    else:
        content[entry + 9] |= 0x08  # its name is said to be UTF-8
        content[entry + 46] = 0xFF
    odd = tmp_path / "odd.zip"
    odd.write_bytes(content)
    with pytest.raises(BundleError, match=r"has no name|damaged zip file"):
        check(odd, district)


def test_the_first_bytes_tell_the_number(district: BundlingDistrict) -> None:
    beginning = district.bundle(4711).read_bytes()[:LABEL_BYTES]
    assert number_in_label(beginning) == 4711
    assert number_in_label(beginning[:-1]) is None
    assert number_in_label(b"<html>" + bytes(100)) is None
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr(LIST_NAME, bytes(100))
    assert number_in_label(plain.getvalue()) is None


@pytest.mark.parametrize(
    "settings",
    [
        '[station]\nname = "All of us"\n',
        '[station]\nstate_dir = "/tmp"\n',
        '[engine]\npython = "/tmp/own"\n',
        '[models]\ntrusted_keys = ["/tmp/own.pem"]\n',
        "[models]\nrequire_signature = false\n",
        '[district]\nurl = "https://elsewhere.example/dicom-web"\n',
        '[district]\npublic_key = ""\n',
        '[district]\ntoken_file = "/etc/shadow"\n',
        '[fleet]\nbundle_url = "https://elsewhere.example/b.zip"\n',
        '[[destination]]\nname = "own"\nurl = "https://elsewhere.example/dicom-web"\n',
        "[dicom]\nport = 104\n",
        "[dicom]\nidle_seconds = 0.001\n",
        "[dicom]\nmax_associations = 1\n",
        "[dicom]\nallowed_addresses = []\n",
        '[folder]\nafter = "delete"\n',
        '[print]\nprinter = "ipp://elsewhere.example/ipp/print"\n',
        "[retention]\nkeep_days = 1\n",
        "report = 1\n",
    ],
)
def test_keys_that_no_bundle_may_set_are_not_even_packed(district: BundlingDistrict, settings: str) -> None:
    with pytest.raises(SettingsError, match="what no bundle may set"):
        district.bundle(7, settings)


def test_what_no_box_could_use_is_not_packed(tmp_path: Path, district: BundlingDistrict) -> None:
    with pytest.raises(SettingsError, match="page_size"):
        district.bundle(7, '[report]\npage_size = "A3"\n')
    package = write_classifier(tmp_path)
    (package / "model.tflite").write_bytes(b"altered")
    with pytest.raises(BundleError, match="altered or damaged"):
        district.bundle(8, "", package)
    with pytest.raises(UsageError, match="needs --settings, --models, or both"):
        district.bundle(9, "")
