"""Where config/district/set-up puts things on a district's machine."""

from pathlib import Path

SETTINGS = Path("/etc/leapfrog-district")
KEY_FILE = SETTINGS / "district.key"
STATIONS = SETTINGS / "stations"  # the public keys of the boxes
ORTHANCS = SETTINGS / "orthancs.conf"  # for nginx: `server 127.0.0.1:8101 ...;`, one a line
DATA = Path("/var/lib/leapfrog-district")
RECEIPTS = DATA / "receipts"
BOXES = DATA / "boxes"  # what they say of themselves
