"""The views of the films whose set does not say them, as a run's detector told them."""

from collections.abc import Mapping

from leapfrog_training.errors import RunError
from leapfrog_training.files import KeptAsJson, write_whole
from leapfrog_training.run.folder import Run

VIEWS_FILE = "views.json"


class ToldViews(KeptAsJson):
    """The view, PA or AP, by the name of the film's file."""

    views: dict[str, str]


def views_were_told(run: Run) -> bool:
    """Whether the run has its file of views."""
    return (run.folder / VIEWS_FILE).exists()


def keep_told_views(run: Run, views: Mapping[str, str]) -> None:
    """Write the views to the run's folder."""
    write_whole(run.folder / VIEWS_FILE, ToldViews(views=dict(views)).model_dump_json(indent=2).encode())


def told_views(run: Run) -> Mapping[str, str]:
    """The views as they were kept. Raises RunError if they were not."""
    try:
        return ToldViews.model_validate_json((run.folder / VIEWS_FILE).read_bytes()).views
    except FileNotFoundError as error:
        raise RunError(f"{run.folder} has no {VIEWS_FILE}: run `leapfrog-train fit` first") from error
