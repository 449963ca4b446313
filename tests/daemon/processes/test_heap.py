"""What a process has freed, it gives back to the system."""

import os
import subprocess
import sys

from leapfrog.processes import heap

# Films come and go; what is small and stays is made among them.
FILMS = """
import ctypes
from pathlib import Path

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = (ctypes.c_size_t,), (ctypes.c_void_p,)

def block(size):
    address = libc.malloc(size)
    ctypes.memset(address, 1, size)
    return address

libc.free(block(20 << 20))
held = [(block(2 << 20), block(3000)) for _ in range(20)]
for film, _ in held:
    libc.free(film)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
"""


def resident_mebibytes(before: str = "", **environment: str) -> float:
    """How much a fresh process holds after films came and went; `before` is run first."""
    done = subprocess.run(
        [sys.executable, "-c", before + FILMS],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout) / 1024


def test_the_main_process_keeps_nothing_of_the_films_that_went() -> None:
    kept = "from leapfrog.processes import heap\n"
    assert resident_mebibytes(kept) - resident_mebibytes(f"{kept}heap.keep_little()\n") > 30


def test_nor_does_a_child() -> None:
    assert resident_mebibytes() - resident_mebibytes(**heap.OF_CHILDREN) > 30
