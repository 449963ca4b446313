"""The vocabulary reads what older versions wrote."""

from leapfrog.exam import Finding
from support.readings import CIRCLE, finding


def test_the_single_polygon_of_an_older_version_is_read_as_a_list_of_one() -> None:
    written = finding("Fetal head", contour=(CIRCLE,)).model_dump(mode="json")
    assert len(written["contour"]) == 1
    older = {**written, "contour": written["contour"][0]}
    assert Finding.model_validate(older) == Finding.model_validate(written)
    assert Finding.model_validate({**written, "contour": None}).contour is None
