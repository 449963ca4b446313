"""Root without its right to read what file modes forbid, for tests that need a file that cannot be read."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

VERSION_3 = 0x20080522  # linux/capability.h; two words of each set follow
PR_GET_SECUREBITS, PR_SET_SECUREBITS, SECBIT_NOROOT = 27, 28, 1  # linux/prctl.h, linux/securebits.h
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def bound_by_file_modes() -> Iterator[None]:
    """Within, this thread and the threads and processes that it starts may read only what file modes allow; the latter
    for good. Its processes get no capability at all, since a program that root starts gets all of them otherwise.

    Capabilities are a thread's own (capabilities(7)), so other threads keep theirs. Nothing changes for other users.
    """
    header, sets = _Header(VERSION_3, 0), (_Sets * 2)()
    _call(_libc.capget, header, sets)
    before = sets[0].effective
    sets[0].effective = before & ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    bits_before = _libc.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)
    _set_securebits(bits_before | SECBIT_NOROOT)
    _call(_libc.capset, header, sets)
    try:
        yield
    finally:
        sets[0].effective = before
        _call(_libc.capset, header, sets)
        _set_securebits(bits_before)


def _set_securebits(bits: int) -> None:
    if _libc.prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0:
        if ctypes.get_errno() == errno.EPERM and not _may_everything():
            return  # no root: its programs get no capabilities anyway
        raise OSError(ctypes.get_errno(), "the capabilities of this thread's programs cannot be changed")


def _may_everything() -> bool:
    return os.geteuid() == 0


def _call(function: "ctypes._NamedFuncPointer", header: _Header, sets: "ctypes.Array[_Sets]") -> None:
    if function(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "the capabilities of this thread cannot be changed")
