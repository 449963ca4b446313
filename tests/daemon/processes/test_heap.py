"""What a process has freed, it gives back to the system."""

import os
import subprocess
import sys

from leapfrog.processes import heap

BLOCKS = """
import ctypes
from pathlib import Path
from leapfrog.processes import heap

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = (ctypes.c_size_t,), (ctypes.c_void_p,)

def block(size):
    address = libc.malloc(size)
    ctypes.memset(address, 1, size)
    return address

def come_and_go(count, size):  # what is small and stays is made among them
    held = [(block(size), block(3000)) for _ in range(count)]
    for gone, _ in held:
        libc.free(gone)
"""
FILMS = "libc.free(block(20 << 20))\ncome_and_go(20, 2 << 20)\n"
REPORTS = "come_and_go(600, 60_000)\n"
RESIDENT = """
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
"""


def resident_mebibytes(program: str, **environment: str) -> float:
    """How much a fresh process holds after `program`."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS + program + RESIDENT],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout) / 1024


def test_the_main_process_keeps_nothing_of_the_films_that_went() -> None:
    assert resident_mebibytes(FILMS) - resident_mebibytes(f"heap.keep_little()\n{FILMS}") > 30


def test_nor_does_a_child() -> None:
    assert resident_mebibytes(FILMS) - resident_mebibytes(FILMS, **heap.OF_CHILDREN) > 30


def test_nor_of_what_is_small_when_it_gives_that_back() -> None:
    kept = resident_mebibytes(REPORTS, **heap.OF_CHILDREN)
    assert kept - resident_mebibytes(f"{REPORTS}heap.give_back()\n", **heap.OF_CHILDREN) > 20
