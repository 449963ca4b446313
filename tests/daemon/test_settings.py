"""Settings: a mistake is named; the file that ships explains every key and shows the real defaults."""

import re
import tempfile
import tomllib
from datetime import time
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from leapfrog.errors import SettingsError
from leapfrog.settings import LISTED_SECTIONS, PrintSettings, Settings, SyncWindow, load_settings
from support.toml import toml_value

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "leapfrog.toml"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(text: str) -> Path:
        file = tmp_path / "leapfrog.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write_file


PROVINCE = '[[destination]]\nname = "province"\nurl = "https://b/dicom-web"\n'


def refusal(file: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    return str(caught.value)


# ---------------------------------------------------------------- what is accepted


def test_an_empty_file_gives_the_defaults(write: Any) -> None:
    assert load_settings(write("")) == Settings()


def test_no_file_gives_the_defaults() -> None:
    assert load_settings(None) == Settings()


def test_reports_are_in_the_state_directory_unless_reports_dir_is_set(write: Any) -> None:
    assert load_settings(write('[station]\nstate_dir = "/s"')).reports_dir == Path("/s/reports")
    assert load_settings(write('[station]\nstate_dir = "/s"\nreports_dir = "/r"')).reports_dir == Path("/r")


def test_the_inbox_is_watched_when_no_folder_is_named(write: Any) -> None:
    assert load_settings(write('[station]\nstate_dir = "/s"')).inbox_dirs == (Path("/s/inbox"),)


def test_folders_of_watch_entries_are_watched_too_and_each_once(write: Any) -> None:
    text = '[folder]\npaths = ["/a", "/b"]\n[[folder.watch]]\npath = "/b"\n[[folder.watch]]\npath = "/c"\nview = "PA"'
    settings = load_settings(write(text))
    assert settings.inbox_dirs == (Path("/a"), Path("/b"), Path("/c"))
    assert settings.folder.watch[1].view == "PA"


def test_an_address_may_be_one_machine_or_a_network(write: Any) -> None:
    settings = load_settings(write('[dicom]\nallowed_addresses = ["192.168.1.20", "10.0.0.0/8"]'))
    assert settings.dicom.allowed_addresses == (IPv4Network("192.168.1.20/32"), IPv4Network("10.0.0.0/8"))


def test_the_district_address_loses_its_last_slash(write: Any) -> None:
    assert load_settings(write('[district]\nurl = "https://d.example/dicom-web/"')).district.url.endswith("dicom-web")


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().dicom.port = 104


def test_text_in_any_script_is_a_name(write: Any) -> None:
    assert load_settings(write('[station]\nname = "Kituo cha Afya 保健所"')).station.name.endswith("保健所")


# ---------------------------------------------------------------- windows


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("12:30-13:30", ["12:30", "13:29"], ["12:29", "13:30", "00:00"]),
        ("19:00-06:30", ["19:00", "23:59", "00:00", "06:29"], ["06:30", "18:59", "12:00"]),
        ("00:00-23:59", ["00:00", "12:00"], ["23:59"]),
        ("22:00-00:00", ["22:00", "23:59"], ["00:00", "21:59"]),
    ],
)
def test_a_window_contains_its_start_and_not_its_end(
    write: Any, window: str, inside: list[str], outside: list[str]
) -> None:
    (parsed,) = load_settings(write(f'[district]\nwindows = ["{window}"]')).district.windows
    assert all(parsed.contains(time.fromisoformat(moment)) for moment in inside)
    assert not any(parsed.contains(time.fromisoformat(moment)) for moment in outside)


@given(start=st.times(), end=st.times(), moment=st.times())
def test_a_window_and_the_window_from_its_end_to_its_start_share_the_day(start: time, end: time, moment: time) -> None:
    if start != end:
        one, other = SyncWindow(start=start, end=end), SyncWindow(start=end, end=start)
        assert one.contains(moment) != other.contains(moment)


# ---------------------------------------------------------------- what is refused, and how


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[dicom]\nport = 0", "dicom.port = 0", "greater than or equal to 1"),
        ("[dicom]\nport = 70000", "dicom.port = 70000", "less than or equal to 65535"),
        ('[dicom]\nport = "many"', "dicom.port = 'many'", "integer"),
        ('[dicom]\nae_title = "SEVENTEEN-LETTERS"', "dicom.ae_title", "at most 16 characters"),
        ('[dicom]\nae_title = "   "', "dicom.ae_title", "pattern"),
        ('[dicom]\nae_title = "A\\\\B"', "dicom.ae_title", "pattern"),
        ('[dicom]\nallowed_addresses = ["the xray"]', "dicom.allowed_addresses", "neither an address"),
        ('[dicom]\nallowed_addresses = ["192.168.1.20/24"]', "dicom.allowed_addresses", "such as '192.168.1.0/24'"),
        ("[dicom]\nmax_associations = 0", "dicom.max_associations = 0", "greater than or equal to 1"),
        ('[dicom]\ntls_key = "/k"', "dicom", "tls_certificate and tls_key belong together"),
        ('[dicom]\ntls_client_ca = "/c"', "dicom", "tls_client_ca needs tls_certificate"),
        ('[[dicom.modality]]\nae_title = "A"\nhost = "a"', "dicom.modality[0].port", "is missing"),
        ('[[dicom.modality]]\nae_title = "A"\nhost = ""\nport = 104', "dicom.modality[0].host", "at least 1 character"),
        (
            '[dicom]\nmodality = [{ae_title = "A", host = "a", port = 1}, {ae_title = "A", host = "b", port = 1}]',
            "dicom.modality",
            "the AE title 'A' is there twice",
        ),
        ('[[dicom.modality]]\nname = "A"', "dicom.modality[0].name", "Known keys here: ae_title, host, port"),
        ('[folder]\nafter = "burn"', "folder.after = 'burn'", "'keep', 'delete' or 'move'"),
        ('[folder]\nfilename_pattern = "("', "folder.filename_pattern", "not a regular expression"),
        ('[folder]\nfilename_pattern = "(?P<ssn>.*)"', "folder.filename_pattern", "unknown groups ['ssn']"),
        ("[folder]\nsettle_seconds = 0", "folder.settle_seconds = 0", "greater than 0"),
        ('[[folder.watch]]\nmodality = "DX"', "folder.watch[0].path", "is missing"),
        (
            '[[folder.watch]]\npath = "/a"\npixel_spacing_mm = -1',
            "folder.watch[0].pixel_spacing_mm",
            "greater than or equal to 0.001",
        ),
        ('[[folder.watch]]\npath = "/a"\nage_years = -1', "folder.watch[0].age_years", "greater than or equal to 0"),
        ('[[folder.watch]]\npath = "/a"\nage_years = 1984', "folder.watch[0].age_years", "less than or equal to 129"),
        ('[station]\nunknown_age = "child"', "station.unknown_age = 'child'", "'adult' or 'not_assessed'"),
        ('[engine]\ndevice = "gpu"', "engine.device = 'gpu'", "'auto', 'edgetpu' or 'cpu'"),
        ("[engine]\nlanes = 99", "engine.lanes = 99", "less than or equal to 8"),
        ('[report]\npage_size = "A3"', "report.page_size = 'A3'", "'A4', 'A5' or 'Letter'"),
        ('[district]\nurl = "ftp://district"', "district.url = 'ftp://district'", "DICOMweb root"),
        ('[district]\nurl = "https://"', "district.url", "DICOMweb root"),
        ('[district]\nsend = ["everything"]', "district.send[0] = 'everything'", "'original'"),
        ('[district]\nwindows = ["night"]', "district.windows", "'night' is not a window such as '19:00-06:30'"),
        ('[district]\nwindows = ["10:00-10:00"]', "district.windows", "is not a window"),
        ('[district]\nwindows = ["25:00-26:00"]', "district.windows[0].start", "hour"),
        ('[destination]\nname = "p"\nurl = "http://b"', "destination", "write [[destination]], with two brackets"),
        (f'{PROVINCE}modalities = "CR"', "destination[0].modalities = 'CR'", 'it is a list, so write ["CR"]'),
        (f'{PROVINCE}modalities = ["cr"]', "destination[0].modalities[0] = 'cr'", "in capital letters"),
        (f'{PROVINCE}transfer_syntaxes = ["JPEG-LS"]', "destination[0].transfer_syntaxes[0]", "it must be a UID"),
        ('[[destination]]\nname = "my province"', "destination[0].name = 'my province'", "at most 32 letters, digits"),
        (f"{PROVINCE}commit = true", 'destination[0] ("province"): a destination of kind "dicomweb" has no', "commit"),
        ('[[destination]]\nname = "a"\nkind = "dicom"\nhost = "http://a"', "destination[0].host", "only the name or"),
        (
            '[[destination]]\nname = "a"\nkind = "dicom"\nhost = "10.0.0.1:104"',
            "destination[0].host",
            "only the name or",
        ),
        ("[retention]\nkeep_days = 0", "retention.keep_days = 0", "greater than or equal to 1"),
        ("[retention]\nmin_free_bytes = -1", "retention.min_free_bytes = -1", "greater than or equal to 0"),
        ('[station]\nlanguage = "xx"', "station.language = 'xx'", "'en'"),
        ('[station]\nname = ""', "station.name = ''", "at least 1 character"),
        ('station = "here"', "station = 'here'", "write a line [station] and its keys below"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(write: Any, text: str, key: str, reason: str) -> None:
    message = refusal(write(text))
    assert key in message
    assert reason in message


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[retention]\nkeep_days = 1_000_001", "retention.keep_days"),
        (f"[retention]\nkeep_days = {10**30}", "retention.keep_days"),
        (f"[retention]\nmin_free_bytes = {2**63}", "retention.min_free_bytes"),
        (f"[district]\nbytes_per_second = {10**400}", "district.bytes_per_second"),
        ("[dicom]\nidle_seconds = inf", "dicom.idle_seconds"),
        ("[dicom]\nidle_seconds = nan", "dicom.idle_seconds"),
        ("[folder]\nsettle_seconds = nan", "folder.settle_seconds"),
        ("[folder]\nrescan_seconds = 1e308", "folder.rescan_seconds"),
        ("[engine]\ndeadline_seconds = inf", "engine.deadline_seconds"),
        ("[report]\nquiet_seconds = nan", "report.quiet_seconds"),
        ('[[folder.watch]]\npath = "/a"\npixel_spacing_mm = 1e-320', "folder.watch[0].pixel_spacing_mm"),
        ('[station]\nstate_dir = "/a\\u0000b"', "station.state_dir"),
        ('[folder]\npaths = ["/a\\u0000b"]', "folder.paths"),
        (f'[dicom]\nhost = "{"a" * 64}"', "dicom.host"),
        (f'[district]\nurl = "http://{"a" * 64}.example/"', "district.url"),
        ('[district]\nurl = "http://d.example:70000/"', "district.url"),
        ('[district]\nurl = "http://[::1/dicom-web"', "district.url"),
    ],
)
def test_an_extreme_value_is_a_mistake_in_the_file_and_not_the_end_of_the_daemon(
    write: Any, text: str, key: str
) -> None:
    assert key in refusal(write(text))


@pytest.mark.parametrize("text", ["[retention]\nkeep_days = " + "9" * 5000, "a = " + "[" * 100_000])
def test_a_file_that_toml_itself_cannot_hold_is_named(write: Any, text: str) -> None:
    assert "is not valid TOML" in refusal(write(text))


def test_what_is_large_but_sensible_is_allowed(write: Any) -> None:
    text = f'[retention]\nkeep_days = 999_999\nmin_free_bytes = {10**14}\n[district]\nurl = "http://[fe80::1]:8042/r"'
    settings = load_settings(write(text))
    assert (settings.retention.keep_days, settings.district.url) == (999_999, "http://[fe80::1]:8042/r")


@pytest.mark.parametrize(
    ("text", "key", "known"),
    [
        ("[dicom]\nprot = 104", "dicom.prot", "port"),
        ("[diocm]\nport = 104", "diocm", "dicom"),
        ('[[folder.watch]]\npath = "/a"\nmodalty = "US"', "folder.watch[0].modalty", "modality"),
        ("[report.style]\ncolour = 1", "report.style", "page_size"),
    ],
)
def test_an_unknown_key_is_refused_with_a_list_of_the_known_keys(write: Any, text: str, key: str, known: str) -> None:
    message = refusal(write(text))
    assert f"Unknown key {key}. Known keys here: " in message
    assert known in message.split("Known keys here: ")[1]


def test_every_mistake_is_named_at_once(write: Any) -> None:
    message = refusal(write('[dicom]\nport = 0\nprot = 1\n[engine]\ndevice = "gpu"'))
    assert all(key in message for key in ("dicom.port", "dicom.prot", "engine.device"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[dicom", "not valid TOML"),
        (b"name = '\xff'", "not UTF-8"),
        (b"[dicom]\nport = 1\nport = 2", "not valid TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "leapfrog.toml"
    file.write_bytes(content)
    message = refusal(file)
    assert str(file) in message
    assert reason in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.toml cannot be read: No such file" in refusal(tmp_path / "nowhere.toml")


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path)


@hypothesis_settings(deadline=None)  # a busy machine is no slow parser
@given(
    st.recursive(
        st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([key for section in Settings.model_fields for key in (section, f"{section}.x")]),
)
def test_any_file_gives_settings_or_an_error_that_is_a_sentence(value: Any, key: str) -> None:
    section, _, entry = key.partition(".")
    document = f"{section}.{entry} = {toml_value(value)}" if entry else f"{section} = {toml_value(value)}"
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(document)
        file.flush()
        try:
            load_settings(Path(file.name))
        except SettingsError as problem:
            assert str(problem).endswith(".")


# ---------------------------------------------------------------- warnings


def test_http_without_tls_works_with_a_warning(write: Any) -> None:
    settings = load_settings(write('[district]\nurl = "http://district/dicom-web"'))
    assert any("unencrypted" in warning for warning in settings.warnings())


def test_a_closed_and_encrypted_box_has_no_warnings(write: Any) -> None:
    text = '[district]\nurl = "https://district/dicom-web"\n[dicom]\nallowed_ae_titles = ["XRAY1"]'
    assert load_settings(write(text)).warnings() == []


def test_two_destinations_of_one_name_are_told_without_the_whole_file(write: Any) -> None:
    told = refusal(write(PROVINCE + PROVINCE)).splitlines()[1]
    assert told == "The name 'province' is there twice; each destination needs one of its own."


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("since = 2100-01-01", 'since of the destination "province" is a day to come.'),
        ('password_file = "/dev/null"', 'password_file of the destination "province" is not used without a username.'),
        ('ca_file = "/not/there"', 'ca_file of the destination "province" is /not/there, which does not exist'),
        (PROVINCE.replace("province", "other"), 'The destinations "province" and "other" are one server'),
        (PROVINCE.replace("province", "other").replace("://b", "://c"), ""),
        ('since = 2026-01-01\nca_file = "/dev/null"', ""),
    ],
)
def test_what_was_overlooked_in_a_destination_works_with_a_warning(write: Any, text: str, warning: str) -> None:
    warnings = load_settings(write(f'[dicom]\nallowed_ae_titles = ["XRAY1"]\n{PROVINCE}{text}')).warnings()
    assert [one.startswith(warning) for one in warnings] == ([True] if warning else [])


# ---------------------------------------------------------------- the file that ships


def uncommented(text: str) -> str:
    """The shipped file with every commented key, `#key = value` without a space, switched on."""
    return re.sub(r"^#(?=[a-z_]+ = |\[\[)", "", text, flags=re.MULTILINE)


def test_the_shipped_file_has_the_defaults_except_for_the_state_directory() -> None:
    shipped = load_settings(SHIPPED)
    assert shipped.state_dir == Path("/var/lib/leapfrog")
    same_place = Settings().station.model_copy(update={"state_dir": shipped.state_dir})
    assert shipped == Settings(station=same_place)


def test_the_shipped_file_shows_every_key() -> None:
    document = tomllib.loads(uncommented(SHIPPED.read_text(encoding="utf-8")))
    shown = set()
    for section, tables in document.items():
        for key, value in (
            pair for table in (tables if isinstance(tables, list) else [tables]) for pair in table.items()
        ):
            entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
            shown |= {f"{section}.{key}.{inner}" for entry in entries for inner in entry} or {f"{section}.{key}"}
    assert _keys(Settings) == shown


def test_every_value_in_the_shipped_file_is_allowed_and_is_the_default_if_there_is_one() -> None:
    text = uncommented(SHIPPED.read_text(encoding="utf-8"))
    shown = Settings(**tomllib.loads(text))
    examples = {"station.state_dir", "folder.watch", "dicom.modality"}
    for section_name in Settings.model_fields.keys() - {"destination"}:  # its keys have examples
        section, default = getattr(shown, section_name), getattr(Settings(), section_name)
        for key in type(section).model_fields:
            value, default_value = getattr(section, key), getattr(default, key)
            if default_value is not None and f"{section_name}.{key}" not in examples:
                assert value == default_value, f"{section_name}.{key}"


def test_the_shipped_file_explains_every_key() -> None:
    """A comment stands above each key or group of keys."""
    for block in SHIPPED.read_text(encoding="utf-8").split("\n\n"):
        if re.search(r"^#?[a-z_]+ = ", block, flags=re.MULTILINE):
            assert re.match(r"(\[[a-z]+\].*\n+)?# \S", block.strip()), f"no explanation:\n{block}"


def _keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys |= _keys(field.annotation, f"{prefix}{name}.")
        elif listed := [one for one in get_args(field.annotation) if one in LISTED_SECTIONS.values()]:
            keys |= _keys(listed[0], f"{prefix}{name}.")
        else:
            keys.add(f"{prefix}{name}")
    return keys


def test_a_key_of_an_older_version_is_refused_with_what_took_its_place(tmp_path: Path) -> None:
    path = tmp_path / "leapfrog.toml"
    path.write_text('[report]\nprint_to = "laser"\n')
    with pytest.raises(
        SettingsError, match=r"report\.print_to is a setting no longer\. Write a line \[print\].*printer ="
    ):
        load_settings(path)


@pytest.mark.parametrize("printer", ["laser", "Büro_2", "ipp://192.168.1.30/ipp/print", "ipps://[fe80::1]:631/ipp", ""])
def test_a_printer_is_a_queue_or_an_address(printer: str) -> None:
    assert PrintSettings(printer=printer).printer == printer


@pytest.mark.parametrize(
    "printer", ["two words", "a/b", "a'b", "http://host/x", "ipp://host:99999/x", "ipp://", "a\nb"]
)
def test_nothing_else_is_a_printer(printer: str) -> None:
    with pytest.raises(ValidationError, match="printer"):
        PrintSettings(printer=printer)


def test_signatures_cannot_be_required_without_trusted_keys(tmp_path: Path) -> None:
    path = tmp_path / "leapfrog.toml"
    path.write_text("[models]\nrequire_signature = true\n")
    with pytest.raises(SettingsError, match=r"models\.require_signature.*without models\.trusted_keys"):
        load_settings(path)


def test_requiring_signatures_warns_about_the_packages_that_ship(tmp_path: Path) -> None:
    path = tmp_path / "leapfrog.toml"
    path.write_text('[models]\ntrusted_keys = ["key.pem"]\nrequire_signature = true\n')
    assert any("came with Leapfrog are not used" in warning for warning in load_settings(path).warnings())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("station.name." + "a." * 1500 + "a = 1", "a value without end"),
        ("dicom.port = 0x" + "f" * 5000, "a value without end"),
        ('retention.keep_days = "' + "x" * 5000 + '"', "xxx…"),
    ],
)
def test_a_value_without_end_is_not_quoted_whole(write: Any, text: str, shown: str) -> None:
    message = refusal(write(text))
    assert shown in message and len(message) < 1000


def test_of_many_mistakes_the_first_are_told(write: Any) -> None:
    assert len(refusal(write("\n".join(f"key{number} = 1" for number in range(3000))))) < 20_000
