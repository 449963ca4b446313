"""From which films those that chest-findings is trained on are made: sick and healthy, both sources and both views, in
equal parts, so that neither source nor view tells the answer.
"""

from collections.abc import Sequence

import numpy as np

from leapfrog_training.chest.films import VIEWS, AdultFilm, Source, abnormal, normal_of, of_view
from leapfrog_training.films.mixing import Group


def groups_of(films: Sequence[AdultFilm]) -> tuple[Group, ...]:
    """The groups to draw from: half abnormal films, half normal ones in equal parts of each source that has any; in
    each of these, both views equally, as far as there are films of both.
    """
    normal = [one for one in (normal_of(films, source) for source in Source) if one.any()]
    kinds = [(abnormal(films), 0.5), *((one, 0.5 / len(normal)) for one in normal)]
    groups = []
    for kind, share in kinds:
        of_views = [chosen for chosen in (np.flatnonzero(kind & of_view(films, view)) for view in VIEWS) if len(chosen)]
        groups += [Group(chosen, share / len(of_views)) for chosen in of_views]
    return tuple(groups)
