"""Settings of the district's bundle, which lie under those of the box: whatever the site's own file says, counts.

Only some keys may come in a bundle. They are looked at wherever a bundle is made, taken, and used: the files of a
bundle belong to the daemon's own user, and commands that root runs read them too.
"""

from collections.abc import Mapping
from pathlib import Path

from leapfrog.bundle_state import SETTINGS_NAME, bundle_folder, read_state
from leapfrog.errors import SettingsError, StorageError
from leapfrog.plain_file import NotPlain, opened
from leapfrog.settings.layers import LARGEST_FILE_BYTES, Layer, document_of

# How the box reads, shows, prints and sends, in values that can be tried and taken back. Left out is, with its reason:
#   station.name, state_dir, reports_dir, issuer_of_patient_id: which box this is, and where everything lies
#   dicom.ae_title, host, port, allowed_*, tls_*, modality, idle_seconds, max_associations: who reaches the box, and for
#       how long; a mistake would silence every modality, which no trial at night would show, and a person who opens the
#       box to strangers should stand before it
#   folder.paths, filename_pattern, after, watch: this clinic's machines; `after` may delete their files
#   engine.python: a program
#   models.*: whose models are trusted, and where others lie
#   print.printer: where paper with names comes out
#   district.url, public_key, and access to it, destination: who gets images, and who may sign the next bundle
#   fleet.*: where the next bundle comes from
#   retention.*: what is deleted too early, no one can take back
BUNDLE_KEYS: Mapping[str, frozenset[str]] = {
    "station": frozenset(("language", "unknown_age")),
    "dicom": frozenset(("assumed_character_set",)),
    "folder": frozenset(("settle_seconds", "rescan_seconds")),
    "engine": frozenset(("device", "lanes", "deadline_seconds", "threads", "frames_per_cine")),
    "report": frozenset(("quiet_seconds", "page_size", "include_heatmaps")),
    "print": frozenset(("which", "copies", "page_size", "max_age_hours")),
    "district": frozenset(("send", "windows", "bytes_per_second", "fetch_reports")),
}


def require_bundle_keys(layer: Layer) -> None:
    """Raise SettingsError for each key that no bundle may set."""
    refused = [
        f"{section}.{key}" if key else section
        for section, key in layer.entries()
        if not key or key not in BUNDLE_KEYS.get(section, ())
    ]
    if refused:
        allowed = "; ".join(f"[{section}] {', '.join(sorted(keys))}" for section, keys in BUNDLE_KEYS.items())
        raise SettingsError(
            f"{layer.name} has what no bundle may set: {', '.join(refused)}. That belongs into the file of each box."
            f" A bundle may set: {allowed}."
        )


def bundle_layer(state_dir: Path, number: int | None = None) -> Layer | None:
    """The settings of the bundle in use, or of the one of that `number`; None where there is none, or none with
    settings. Raises SettingsError when they cannot be used.
    """
    try:
        number = read_state(state_dir).present if number is None else number
    except StorageError as problem:
        raise SettingsError(str(problem)) from problem
    if number is None:
        return None
    file = bundle_folder(state_dir, number) / SETTINGS_NAME
    try:
        if not file.exists():
            if file.parent.is_dir():
                return None
            raise SettingsError(f"The bundle {number} is in use, and {file.parent} is gone.")
    except OSError as problem:
        raise SettingsError(f"{file} cannot be looked at: {problem.strerror}.") from problem
    try:
        with opened(file, LARGEST_FILE_BYTES, follow=False) as stream:
            document = document_of(stream.read(LARGEST_FILE_BYTES), str(file))
    except NotPlain as problem:
        raise SettingsError(f"{file} is no plain file.") from problem
    except OSError as problem:
        raise SettingsError(f"{file} cannot be read: {problem.strerror}.") from problem
    layer = Layer(f"bundle {number}", document)
    require_bundle_keys(layer)
    return layer
