"""The functions of Google's pycoral.utils.edgetpu that concern devices, with their signatures."""

import ctypes
import os
from typing import Any

# At import, as pycoral's native module is linked with libedgetpu.
_LIBRARY = ctypes.CDLL(os.environ.get("EDGE_TPU_DOUBLE_LIBRARY", "libedgetpu.so.1"))


class _Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("path", ctypes.c_char_p)]


def get_runtime_version() -> str:
    """The version of the library."""
    _LIBRARY.edgetpu_version.restype = ctypes.c_char_p
    return str(_LIBRARY.edgetpu_version().decode())


def list_edge_tpus() -> list[dict[str, Any]]:
    """Each device with its bus and its path."""
    _LIBRARY.edgetpu_list_devices.restype = ctypes.POINTER(_Device)
    count = ctypes.c_size_t(0)
    listed = _LIBRARY.edgetpu_list_devices(ctypes.byref(count))
    return [
        {"type": "usb" if listed[place].type else "pci", "path": listed[place].path.decode()}
        for place in range(count.value)
    ]
