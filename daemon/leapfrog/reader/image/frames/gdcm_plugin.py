"""gdcm as one of pydicom's plug-ins, loaded when a picture first needs it.

pydicom would load it with itself. It takes 16 MiB of a reader, and few machines send what only gdcm decodes.
"""

import importlib
import sys

import pydicom.pixels.decoders.gdcm
from pydicom.pixels.decoders.base import get_decoder

NAME = "gdcm"  # of the library's module, and of the plug-in


def load() -> None:
    """Have the plug-in, where `startup.py` kept gdcm away. The first time that takes 25 ms."""
    if NAME not in sys.modules or sys.modules[NAME] is not None:
        return
    del sys.modules[NAME]
    plugin = importlib.reload(pydicom.pixels.decoders.gdcm)
    for syntax in plugin.DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        decoder.remove_plugin(NAME)
        decoder.add_plugin(NAME, (plugin.__name__, "_decode_frame"))
