"""The settings: typed, with their defaults, and read from one TOML file."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from leapfrog.errors import SettingsError
from leapfrog.language.languages import LanguageCode
from leapfrog.settings.bundled import bundle_layer
from leapfrog.settings.destinations import (
    DISTRICT,
    DestinationSettings,
    DistrictSettings,
    Sendable,
    SyncWindow,
    require_distinct,
    same_servers,
)
from leapfrog.settings.fleet import FleetSettings
from leapfrog.settings.layers import Layer, merged, origin
from leapfrog.settings.mistakes import Location, sentences
from leapfrog.settings.section import HIGHEST_PORT, MOST_BYTES, AeTitle, Port, Section, host_name

__all__ = [
    "DestinationSettings",
    "DistrictSettings",
    "FleetSettings",
    "Section",
    "Sendable",
    "SyncWindow",
]  # and what stands below

SYSTEM_FILE = Path("/etc/leapfrog/leapfrog.toml")

# Limits of numbers that have no natural one: far beyond what makes sense, far below what the journal or a date holds.
MOST_DAYS = 1_000_000  # 2,700 years
LONGEST_RESCAN_SECONDS = 3600.0  # between two looks at a whole watched folder
OLDEST_YEARS = 129  # as an age; nobody has been as old
MOST_COPIES = 10  # of a sheet
LONGEST_PRINT_AGE_HOURS = 8760.0  # a year
UnknownAge = Literal["adult", "not_assessed"]
ReportPageSize = Literal["A4", "A5", "Letter"]
PageSize = Literal["A4", "A5", "Letter", "80mm"]  # 80mm: the strip of a receipt printer
PrintedExams = Literal["all", "flagged", "on_request"]
# Specific Character Sets (PS3.3 Section C.12.1.1.2) that need no escape sequences, and what other machines write.
AssumableCharacterSet = Literal[
    "", "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 126", "ISO_IR 127", "ISO_IR 138", "ISO_IR 144",
    "ISO_IR 148", "ISO_IR 166", "ISO_IR 192", "ISO_IR 203", "ISO_IR 13", "GB18030", "GBK", "windows-874",
    "windows-932", "windows-936", "windows-949", "windows-1250", "windows-1251", "windows-1252", "windows-1253",
    "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
]  # fmt: skip
FILENAME_FIELDS = {"patient_id", "accession_number", "patient_name"}

# A CUPS queue has no blank, control character, slash, quote, "?" or "#" in its name; a printer that speaks IPP itself,
# or a queue of another server, is named by its address.
PRINT_QUEUE = re.compile(r"[^\x00-\x20\x7f/\\?'\"#]{1,127}")
PRINTER_ADDRESS = re.compile(
    r"ipps?://(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<host>[^/\s:?#@\[\]]+))(?::(?P<port>\d{1,5}))?(?P<path>/[!-~]*)?"
)


def _user_state_dir() -> Path:
    return Path.home() / ".local" / "state" / "leapfrog"


class StationSettings(Section):
    """[station]: the box itself."""

    name: str = Field(default="Leapfrog", min_length=1, max_length=64)
    language: LanguageCode = "en"
    state_dir: Path = Field(default_factory=_user_state_dir)
    reports_dir: Path | None = None
    unknown_age: UnknownAge = "adult"
    issuer_of_patient_id: str = Field(default="", max_length=64)


class ModalitySettings(Section):
    """[[dicom.modality]]: a machine that is called back, with the result of a storage commitment."""

    ae_title: AeTitle
    host: Annotated[str, Field(min_length=1), AfterValidator(host_name)]
    port: Port


class DicomSettings(Section):
    """[dicom]: the receiver."""

    ae_title: AeTitle = "LEAPFROG"
    host: Annotated[str, AfterValidator(host_name)] = "0.0.0.0"
    port: Port = 11112
    allowed_ae_titles: tuple[AeTitle, ...] = ()
    allowed_addresses: tuple[IPv4Network | IPv6Network, ...] = ()
    max_associations: int = Field(default=32, ge=1, le=200)
    idle_seconds: float = Field(default=60.0, gt=0, le=3600)
    assumed_character_set: AssumableCharacterSet = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    modality: tuple[ModalitySettings, ...] = ()

    @field_validator("modality")
    @classmethod
    def _check_modality(cls, modalities: tuple[ModalitySettings, ...]) -> tuple[ModalitySettings, ...]:
        titles = [modality.ae_title.strip() for modality in modalities]
        if twice := next((title for title in titles if titles.count(title) > 1), None):
            raise ValueError(f"the AE title {twice!r} is there twice; each machine needs one of its own")
        return modalities

    @field_validator("allowed_addresses", mode="before")
    @classmethod
    def _parse_addresses(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return tuple(_parse_address(entry) if isinstance(entry, str) else entry for entry in value)

    @model_validator(mode="after")
    def _check_tls_files(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: set both or neither")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("tls_client_ca needs tls_certificate and tls_key")
        return self


def _parse_address(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither an address such as '192.168.1.20' nor a network such as '192.168.1.0/24'"
        ) from None


class FolderWatchSettings(Section):
    """[[folder.watch]]: what the machine that fills one folder makes. For picture files, which have no header."""

    path: Path
    modality: str = ""
    body_part: str = ""
    view: str = ""
    pixel_spacing_mm: float | None = Field(default=None, ge=0.001, le=10)  # a micrometre: finer than any detector
    age_years: int | None = Field(default=None, ge=0, le=OLDEST_YEARS)


class FolderSettings(Section):
    """[folder]: the watched folders. If `paths` is empty, `inbox/` in the state directory is watched."""

    paths: tuple[Path, ...] = ()
    settle_seconds: float = Field(default=2.0, gt=0, le=3600)
    rescan_seconds: float = Field(default=10.0, gt=0, le=LONGEST_RESCAN_SECONDS)
    filename_pattern: str = ""
    after: Literal["keep", "delete", "move"] = "keep"
    watch: tuple[FolderWatchSettings, ...] = ()

    @field_validator("filename_pattern")
    @classmethod
    def _check_filename_pattern(cls, pattern: str) -> str:
        try:
            groups = set(re.compile(pattern).groupindex)
        except re.error as problem:
            raise ValueError(f"it is not a regular expression: {problem}") from problem
        if unknown := groups - FILENAME_FIELDS:
            raise ValueError(
                f"it has unknown groups {sorted(unknown)}; the allowed groups are {sorted(FILENAME_FIELDS)}"
            )
        return pattern


class EngineSettings(Section):
    """[engine]: what runs the models. `python` is another Python interpreter for the engine host. With `threads` = 0
    the daemon measures how many threads are fastest.
    """

    device: Literal["auto", "edgetpu", "cpu"] = "auto"
    python: Path | None = None
    lanes: int = Field(default=1, ge=1, le=8)
    deadline_seconds: float = Field(default=60.0, gt=0, le=3600)
    threads: int = Field(default=0, ge=0, le=16)
    frames_per_cine: int = Field(default=16, ge=1, le=1000)

    @property
    def interpreter(self) -> str:
        """The Python interpreter of the engine host: `python`, or the one that runs Leapfrog."""
        return str(self.python or sys.executable)


class ModelSettings(Section):
    """[models]: which model packages are used.

    `paths` are folders with packages, in addition to the packages that come with Leapfrog and those in the state
    directory. `trusted_keys` are files with the public keys of the people whose packages are trusted.
    """

    paths: tuple[Path, ...] = ()
    trusted_keys: tuple[Path, ...] = ()
    require_signature: bool = False

    @field_validator("require_signature")
    @classmethod
    def _check_require_signature(cls, required: bool, info: ValidationInfo) -> bool:
        if required and not info.data.get("trusted_keys", True):
            raise ValueError(
                "without models.trusted_keys no package could be used; list the files of the public keys there"
            )
        return required


class ReportSettings(Section):
    """[report]: what staff read."""

    quiet_seconds: float = Field(default=20.0, ge=0, le=3600)
    page_size: ReportPageSize = "A4"
    include_heatmaps: bool = True


def printer_name(name: str) -> str:
    """`name`, if it can be that of a CUPS queue or the address of a printer. Raises ValueError otherwise."""
    address = PRINTER_ADDRESS.fullmatch(name)
    if address is None and (PRINT_QUEUE.fullmatch(name) is None or "://" in name):
        raise ValueError(
            "it must be the name of a CUPS queue, as `lpstat -e` lists them, or an address such as"
            " ipp://192.168.1.30/ipp/print"
        )
    if address is not None:
        host_name(address["host"] or "")
        if address["port"] and not 1 <= int(address["port"]) <= HIGHEST_PORT:
            raise ValueError(f"its port must be between 1 and {HIGHEST_PORT}")
    return name


class PrintSettings(Section):
    """[print]: the sheets of paper. With an empty `printer` nothing is printed by itself."""

    printer: str = ""
    which: PrintedExams = "all"
    copies: int = Field(default=1, ge=1, le=MOST_COPIES)
    page_size: PageSize = "A4"
    max_age_hours: float = Field(default=24.0, gt=0, le=LONGEST_PRINT_AGE_HOURS)

    @field_validator("printer")
    @classmethod
    def _check_printer(cls, name: str) -> str:
        return name and printer_name(name)


class RetentionSettings(Section):
    """[retention]: how long exams are kept, and how much disk space stays free."""

    keep_days: int = Field(default=90, ge=1, le=MOST_DAYS)
    min_free_bytes: int = Field(default=1_000_000_000, ge=0, le=MOST_BYTES)


class Settings(Section):
    """All settings of one box."""

    station: StationSettings = StationSettings()
    dicom: DicomSettings = DicomSettings()
    folder: FolderSettings = FolderSettings()
    engine: EngineSettings = EngineSettings()
    models: ModelSettings = ModelSettings()
    report: ReportSettings = ReportSettings()
    print: PrintSettings = PrintSettings()
    district: DistrictSettings = DistrictSettings()
    destination: tuple[DestinationSettings, ...] = ()
    fleet: FleetSettings = FleetSettings()
    retention: RetentionSettings = RetentionSettings()

    @model_validator(mode="after")
    def _check_destinations(self) -> Self:
        require_distinct(self.destination, has_district=self.district.destination() is not None)
        return self

    @model_validator(mode="after")
    def _check_bundles(self) -> Self:
        if self.fleet.bundle_url and not self.district.public_key:
            raise ValueError(
                "fleet.bundle_url needs district.public_key, by which the box knows that a bundle is the district's"
            )
        return self

    @property
    def destinations(self) -> tuple[DestinationSettings, ...]:
        """Every server to which something is sent: that of [district], if there is one, then the others."""
        district = self.district.destination()
        return (*((district,) if district else ()), *self.destination)

    @property
    def state_dir(self) -> Path:
        """The directory for everything that must survive a restart."""
        return self.station.state_dir

    @property
    def reports_dir(self) -> Path:
        """The directory where staff find the reports."""
        return self.station.reports_dir or self.station.state_dir / "reports"

    @property
    def default_inbox(self) -> Path:
        """The folder that is watched when the settings name none; the daemon makes it."""
        return self.state_dir / "inbox"

    @property
    def inbox_dirs(self) -> tuple[Path, ...]:
        """The watched folders, including those of [[folder.watch]], each once."""
        paths = self.folder.paths or (self.default_inbox,)
        return tuple(dict.fromkeys((*paths, *(watch.path for watch in self.folder.watch))))

    def warnings(self) -> list[str]:
        """Sentences about settings that work, but that the person who sets up the box should know about."""
        sentences = []
        for destination in self.destinations:
            sentences += destination.oversights(date.today())
            if destination.url.startswith("http://"):
                key = (
                    "district.url"
                    if destination.name == DISTRICT
                    else f'The url of the destination "{destination.name}"'
                )
                sentences.append(
                    f"{key} uses http: images and names are sent unencrypted. Use https if the server has it."
                )
            if destination.kind == "dicom" and not destination.tls:
                sentences.append(
                    f'The destination "{destination.name}" has no tls: images and names are sent unencrypted. Use it if'
                    " the archive has it."
                )
            if not destination.send:
                key = (
                    "district.send" if destination.name == DISTRICT else f'send of the destination "{destination.name}"'
                )
                sentences.append(f"{key} is empty: nothing is sent there.")
        sentences += same_servers(self.destinations)
        if self.fleet.url.startswith("http://") and (self.district.username or self.district.token_file):
            sentences.append("fleet.url uses http: the password of [district] is sent unencrypted. Use https.")
        if not self.destinations:
            sentences.append(
                "district.url is empty: nothing is sent, and exams are deleted after retention.keep_days days."
            )
        if not self.dicom.allowed_ae_titles and not self.dicom.allowed_addresses:
            sentences.append(
                "dicom.allowed_ae_titles and dicom.allowed_addresses are empty: any machine may send images."
            )
        if self.models.require_signature:
            sentences.append(
                "models.require_signature is true: the packages that came with Leapfrog are not used. To use them, sign"
                " and install copies of them."
            )
        return sentences


def default_file() -> Path | None:
    """The system's settings file, or None for the built-in defaults if there is no such file."""
    return SYSTEM_FILE if SYSTEM_FILE.is_file() else None


LISTED_SECTIONS: dict[str | int, type[BaseModel]] = {
    "watch": FolderWatchSettings,
    "modality": ModalitySettings,
    "destination": DestinationSettings,
}


@dataclass(frozen=True)
class SettingsInUse:
    """The settings, and what of them comes from where: `layers` are the files, the last one over the others; `problem`
    says why the settings of the district's bundle are left out.
    """

    settings: Settings
    layers: tuple[Layer, ...] = ()
    problem: str = ""

    def from_bundle(self) -> tuple[str, ...]:
        """The keys, such as "report.page_size", whose values the bundle gives."""
        if len(self.layers) < 2:
            return ()
        bundle, site = self.layers
        return tuple(f"{section}.{key}" for section, key in bundle.entries() if not site.has(section, key))


def load_settings(file: Path | None) -> Settings:
    """The settings in `file`, or the defaults for None, over those of the district's bundle that this box uses. Raises
    SettingsError with one sentence for each mistake in `file`; a bundle that cannot be used is left out.
    """
    return settings_in_use(file).settings


def settings_in_use(file: Path | None) -> SettingsInUse:
    """The same, with where they come from."""
    site = _site_layer(file)
    own = of_layers([site])
    try:
        bundle = bundle_layer(own.state_dir)
        if bundle is None:
            return SettingsInUse(own, (site,))
        return SettingsInUse(of_layers([bundle, site]), (bundle, site))
    except SettingsError as problem:
        return SettingsInUse(own, (site,), f"The settings of the district's bundle are not used. {problem}")


def site_settings(file: Path | None) -> Settings:
    """The settings in `file` alone, or the defaults for None. Raises SettingsError as `load_settings`."""
    return of_layers([_site_layer(file)])


def settings_with_bundle(file_settings: Layer, state_dir: Path, number: int) -> Settings:
    """The settings of a box, whose own are `file_settings`, over those of the bundle `number` that lies in `state_dir`.
    Raises SettingsError.
    """
    bundle = bundle_layer(state_dir, number)
    return of_layers([*([bundle] if bundle else []), file_settings])


def _site_layer(file: Path | None) -> Layer:
    return Layer("the built-in defaults") if file is None else Layer.of_file(file, str(file))


def of_layers(layers: Sequence[Layer]) -> Settings:
    """The settings of these files together, the last one over the others. Raises SettingsError with one sentence for
    each mistake, and in which of them it is.
    """
    try:
        return Settings(**merged(layers))
    except ValidationError as problem:
        where = _where(layers) if len(layers) > 1 else (lambda _location: "")
        told = sentences(problem, Settings, LISTED_SECTIONS, where)
        if len(layers) == 1:
            head = f"The settings file {layers[0].name} has mistakes:"
        else:
            head = f"The settings in {' and '.join(layer.name for layer in layers)} have mistakes:"
        raise SettingsError("\n".join([head, *told])) from problem


def _where(layers: Sequence[Layer]) -> Callable[[Location], str]:
    def where(location: Location) -> str:
        section, key = (*(str(part) for part in location[:2] if isinstance(part, str)), "", "")[:2]
        found = origin(layers, section, key) or origin(layers, section)
        return f" It is in {found}." if found else ""

    return where
