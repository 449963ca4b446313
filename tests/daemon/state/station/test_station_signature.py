"""A box knows what it signed, and why something is not."""

from pathlib import Path

from leapfrog.state.station.station_key import station_key_file
from leapfrog.state.station.station_signature import signature_line, signed_here


def test_what_this_box_signed_is_told_from_all_else(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    line = signature_line(here, b"measured")
    assert signed_here(here, b"measured", line) == "signed"
    assert signed_here(here, b"made up", line) == "altered"
    assert signed_here(here, b"measured", b"") == "altered"
    assert signed_here(here, b"measured", signature_line(elsewhere, b"measured")) == "another key"
    station_key_file(here).unlink()
    assert signed_here(here, b"measured", line) == "no key"
