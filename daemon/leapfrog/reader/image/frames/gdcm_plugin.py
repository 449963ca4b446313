"""gdcm as one of pydicom's plug-ins, loaded when a picture first needs it.

pydicom would load it with itself. It takes 16 MiB of a reader, and few machines send what only gdcm decodes.
"""

import importlib
import sys
from functools import cache

import pydicom.pixels.decoders.gdcm
from pydicom.pixels.decoders.base import get_decoder

from leapfrog.reader.startup import note

NAME = "gdcm"  # of the library's module, and of the plug-in


def load() -> None:
    """Have the plug-in, where `startup.py` kept gdcm away. The first time that takes 25 ms.

    Where it cannot be loaded, which may be for want of memory, the log says so, and the next picture tries again.
    """
    if NAME not in sys.modules or sys.modules[NAME] is not None:
        return
    del sys.modules[NAME]
    try:
        importlib.import_module(NAME)
        plugin = importlib.reload(pydicom.pixels.decoders.gdcm)
    except ImportError as problem:
        _keep_away()
        _note_once(f"{NAME} cannot be imported: {problem}")
        return
    except MemoryError:
        _keep_away()
        raise
    for syntax in plugin.DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        decoder.remove_plugin(NAME)
        decoder.add_plugin(NAME, (plugin.__name__, "_decode_frame"))


def _keep_away() -> None:
    sys.modules[NAME] = None  # type: ignore[assignment]


@cache
def _note_once(sentence: str) -> None:
    note(sentence)
