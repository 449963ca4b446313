"""Which packages the box uses now.

One that was installed a moment ago counts, since a reader that is started again runs it.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

from leapfrog.errors import SettingsError
from leapfrog.packages.catalogue import Catalogue, package_directories, packages_in_use
from leapfrog.settings import Settings


class ModelsInUse:
    """The packages, looked up again when a folder of packages has changed. Any thread may call it."""

    def __init__(self, settings: Settings) -> None:
        """Look the packages up. Raises SettingsError for an unreadable key."""
        self._settings = settings
        self._lock = threading.Lock()
        self._seen = self._look()
        self._catalogue = packages_in_use(settings)

    def catalogue(self) -> Catalogue:
        """The packages. While a key cannot be read, those that were known last: the next start says what is wrong."""
        with self._lock:
            seen = self._look()
            if seen != self._seen:
                try:
                    self._catalogue = packages_in_use(self._settings)
                except SettingsError:
                    return self._catalogue
                self._seen = seen
            return self._catalogue

    def versions(self) -> dict[str, str]:
        """The version of each package, by name."""
        return {package.name: package.manifest.version for package in self.catalogue().packages}

    def _look(self) -> Sequence[int]:
        """When each folder changed last."""
        folders = package_directories(self._settings.state_dir, self._settings.models.paths)
        return [_changed_ns(folder) for folder in folders]


def _changed_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
