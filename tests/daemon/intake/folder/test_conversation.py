"""What the main process takes for a message of the child that looks at a folder."""

import pytest
from pydantic import ValidationError

from leapfrog.intake.folder.conversation import CHILD_MESSAGE, Alive
from leapfrog.settings import LONGEST_RESCAN_SECONDS


def test_a_child_may_be_silent_for_as_long_as_a_folder_may_be_left_alone() -> None:
    message = CHILD_MESSAGE.validate_json(Alive(seconds=LONGEST_RESCAN_SECONDS).model_dump_json())
    assert message == Alive(seconds=LONGEST_RESCAN_SECONDS)


@pytest.mark.parametrize("seconds", ["1e9", "Infinity", "NaN", "-1", '"Infinity"'])
def test_no_child_has_itself_called_alive_for_ever(seconds: str) -> None:
    with pytest.raises(ValidationError):
        CHILD_MESSAGE.validate_json(f'{{"kind": "alive", "seconds": {seconds}}}')
