"""Which version of each package the box uses now: one that was installed a moment ago counts, since a reader that is
started again runs it.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

from leapfrog.packages.catalogue import package_directories, packages_in_use
from leapfrog.settings import Settings


class ModelsInUse:
    """The versions of the packages, looked up again when a folder of packages has changed. Any thread may call it."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is looked up yet."""
        self._settings = settings
        self._lock = threading.Lock()
        self._seen: Sequence[int] | None = None
        self._versions: dict[str, str] = {}

    def versions(self) -> dict[str, str]:
        """By the name of the package. Raises SettingsError for an unreadable key."""
        folders = package_directories(self._settings.state_dir, self._settings.models.paths)
        with self._lock:
            changed = [_changed_ns(folder) for folder in folders]
            if changed != self._seen:
                packages = packages_in_use(self._settings).packages
                self._versions = {package.name: package.manifest.version for package in packages}
                self._seen = changed
            return dict(self._versions)


def _changed_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
