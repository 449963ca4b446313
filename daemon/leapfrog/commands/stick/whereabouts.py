"""Whether a folder that was named as a stick is one: what is written beside the box's own data is carried nowhere."""

from pathlib import Path

from leapfrog.errors import StickError
from leapfrog.mounts import mount_of


def warnings_about(root: Path, state_dir: Path) -> list[str]:
    """Sentences for whoever named the folder `root`. Raises StickError when there is no such folder."""
    try:
        device, own = root.stat().st_dev, state_dir.stat().st_dev
    except OSError as problem:
        raise StickError(
            f"There is no folder {root} that can be used ({problem.strerror}). Put the stick in, see where it is"
            " mounted (`lsblk` shows that), and name that folder."
        ) from problem
    mount = mount_of(root.resolve())
    if device != own and (mount is None or mount.point != "/"):
        return []
    return [
        f"{root} is on a disk of this box, not on a stick of its own. If a stick was to be written, mount it first"
        " (`lsblk` shows it) and repeat the command."
    ]
