"""How the DICOM objects that we make are written."""

import errno
import os
from io import BytesIO

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from leapfrog.reader.objects.dicom_object import write_file
from support.instances import gradient, image_dataset


class FullDisk(BytesIO):
    """A file on a disk that is full once the head of an object is written."""

    def write(self, content: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(content) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(content)


def test_a_full_disk_is_known_as_one() -> None:
    """Otherwise the reader ends over it, which is charged to the image."""
    with pytest.raises(OSError) as raised:
        write_file(image_dataset(gradient()), FullDisk(), ExplicitVRLittleEndian)
    assert raised.value.errno == errno.ENOSPC
