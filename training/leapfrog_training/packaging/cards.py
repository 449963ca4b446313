"""What the cards of all packages have in common: intended use, data, and tables with the forms of a network side by
side.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog.packages.manifest import Manifest
from leapfrog_training.evaluate.forms import FORM_NAMES, Form
from leapfrog_training.evaluate.latency import THREADS, Latencies

NOT_AVAILABLE = "-"


def title(manifest: Manifest, *tested_outside: str) -> str:
    """The heading, the sentences that say what was measured outside the training data, and the intended use."""
    return "\n\n".join((f"# {manifest.name} {manifest.version}", *tested_outside, manifest.intended_use)) + "\n"


def sources(manifest: Manifest) -> str:
    """Where the pictures came from."""
    data = manifest.data
    return f"## Data\n\n{data.name}. Licence: {data.licence}. Cite: {data.citation}.\n"


def figure(file: str, alt_text: str) -> str:
    """A picture of the package, with a description for readers who cannot see it."""
    return f"![{alt_text}]({file})\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def table_of_forms(rows: Iterable[tuple[str, Mapping[Form, str]]]) -> str:
    """A table with a column for each form, first the one that ships."""
    return table(("", *FORM_NAMES.values()), [(name, *(cells[form] for form in FORM_NAMES)) for name, cells in rows])


def size_row(sizes: Mapping[Form, int]) -> tuple[str, dict[Form, str]]:
    """Bytes, and how many times smaller than float32."""
    cells = {form: f"{size:,} ({sizes[Form.FLOAT32] / size:.2f}x smaller)" for form, size in sizes.items()}
    return "Bytes", {**cells, Form.FLOAT32: f"{sizes[Form.FLOAT32]:,}"}


def latency_rows(latencies: Latencies) -> list[tuple[str, dict[Form, str]]]:
    """Milliseconds by threads."""
    rows = []
    for threads in THREADS:
        timed = {form: latencies.of(form, threads) for form in Form}
        cells = {form: f"{one.median_ms:.1f} ({one.percentile_95_ms:.1f})" for form, one in timed.items()}
        rows.append((f"Milliseconds a picture on {threads} thread{'s' if threads > 1 else ''}", cells))
    return rows


def timed_on(latencies: Latencies) -> str:
    """Where and how the milliseconds were taken."""
    return (
        f"Milliseconds: median of {latencies.runs} pictures and, in brackets, the 95th percentile, in Leapfrog's "
        f"engine host ({latencies.runtime}) on {latencies.machine}; load of the machine before: {latencies.load:.1f}. "
        "Other processors give other numbers. On an Edge TPU only the int8 network runs."
    )


def with_interval(bounds: Bounds | None, digits: int = 3) -> str:
    """A value with its interval."""
    if bounds is None:
        return NOT_AVAILABLE
    return f"{bounds.value:.{digits}f} [{bounds.low:.{digits}f} to {bounds.high:.{digits}f}]"


def difference(bounds: Bounds) -> str:
    """A difference with its interval."""
    return f"{bounds.value:+.3f} [{bounds.low:+.3f} to {bounds.high:+.3f}]"


def counted(portion: Portion) -> str:
    """A share with the counts that it is made from."""
    return f"{portion.hits} of {portion.of}: {portion.value:.2f} [{portion.low:.2f} to {portion.high:.2f}]"


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The mean over the seeds and, if there are several, the lowest and highest."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}" if values else NOT_AVAILABLE
    return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def of_seeds(seeds: int) -> str:
    """What `spread` shows, in words."""
    return f"mean of {seeds} seeds (lowest to highest)" if seeds > 1 else "one seed only"
