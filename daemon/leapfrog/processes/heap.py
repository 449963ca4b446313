"""How much freed memory a process keeps: malloc's settings (mallopt(3)), for the main process and its children.

Left to itself, glibc learns from the first large block that is freed to take such blocks from the heap, up to 32 MiB,
where a small one that lies above keeps all below from the system. After films of 10 MB that was 18 MiB of a main
process of 80, and 25 of a reader of 155 (measured). A fixed threshold has each large block returned when it is freed.
And each thread would get a heap of its own. Small blocks are returned only from the end of the heap, unless the process
asks for it: `give_back`.
"""

import ctypes
from collections.abc import Mapping

LARGE_BYTES = 1024 * 1024  # a block from this size on is mapped, and returned by itself
KEPT_BYTES = 1024 * 1024  # at the end of the heap
HEAPS = 2
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h

# For the environment of a child: malloc reads it once, before its program begins.
OF_CHILDREN: Mapping[str, str] = {
    "MALLOC_ARENA_MAX": str(HEAPS),
    "MALLOC_MMAP_THRESHOLD_": str(LARGE_BYTES),
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
}


_library = ctypes.CDLL(None)


def give_back() -> None:
    """Return what is free between small blocks to the system (malloc_trim(3)), where the C library can. After a report
    those are 9 MiB, and it takes 1 ms (measured).
    """
    malloc_trim = getattr(_library, "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def keep_little() -> None:
    """Set the same for this process, where the C library has such settings. Before other threads are started."""
    mallopt = getattr(_library, "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, HEAPS)
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
