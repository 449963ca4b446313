"""On which mount a path lies, from the kernel's own table: nobody touches the mount itself, which may not answer."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

MOUNT_TABLE = Path("/proc/self/mountinfo")  # proc(5)
ESCAPED = re.compile(r"\\([0-7]{3})")  # how it writes blanks in a path

# File systems that only this machine writes to, so that the kernel here knows everybody who holds a file open. Any
# other, such as NFS, SMB, a virtual machine's shared folder or most of FUSE, has writers that nobody here can see.
# "fuseblk" is FUSE on a disk of this machine, such as NTFS.
LOCAL_FILE_SYSTEMS = frozenset(
    (
        "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "hfsplus", "jfs", "msdos", "nilfs2",
        "ntfs", "ntfs3", "overlay", "ramfs", "reiserfs", "tmpfs", "udf", "vfat", "xfs", "zfs",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Mount:
    """A row of the table. A mount that is made again has another number."""

    number: int
    point: str
    file_system: str

    @property
    def local(self) -> bool:
        """Whether only this machine writes there."""
        return self.file_system in LOCAL_FILE_SYSTEMS


def mount_of(path: Path) -> Mount | None:
    """The mount on which the absolute `path` lies, links not followed; None where the table cannot be read."""
    text, found = os.fspath(path), None
    try:
        lines = MOUNT_TABLE.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    for line in lines:
        mount = _parsed(line)
        # A later mount hides an earlier one on the same point.
        if mount and _is_within(text, mount.point) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def _parsed(line: str) -> Mount | None:
    before, separator, after = line.partition(" - ")
    fields = before.split(" ")
    if not separator or len(fields) < 5 or not fields[0].isdigit():
        return None
    point = ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
    return Mount(int(fields[0]), point, after.split(" ")[0])


def _is_within(path: str, point: str) -> bool:
    return path == point or path.startswith(point if point == "/" else f"{point}/")
