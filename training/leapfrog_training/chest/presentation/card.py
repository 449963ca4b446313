"""`card.md` of chest-findings: what it is for, how it was made and how good it is, in plain words."""

from collections.abc import Sequence

from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog.packages.manifest import Manifest
from leapfrog_training.chest.decisions.rules import FEWEST_POSITIVES, PROMISED_FLAGGED, PROMISED_URGENT
from leapfrog_training.chest.evaluation.controls import BORDER_ALONE, LUNGS_MASKED, SICK_GRAYS
from leapfrog_training.chest.evaluation.evaluation import ChestEvaluation, ChestSeed, LeftOutSource
from leapfrog_training.chest.evaluation.measures import MatchedScores
from leapfrog_training.chest.films import VIEWS, Source, for_abnormal
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.chest.presentation.figures import AUROC_FILE, CONTROLS_FILE, TRADE_OFF_FILE
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.packaging import cards

FIRST_LINE = "No hospital outside its training sources tested this version."

SOURCE_NAMES = {
    Source.RSNA_NORMAL: "other NIH films that RSNA's radiologists read as normal",
    Source.CHESTXRAY14: "the normal films of its main source (ChestX-ray14, No Finding)",
}

MADE = """## How it was made

MobileNetV2 1.0 on 160 x 160 gray pixels of the exposed field, started from ImageNet weights, then quantization-aware \
training. Full int8 from input to output. 160 pixels are fewer than any film of the sets has, so the size that a film \
came in tells nothing. A last output, a linear model of the same features, tells PA from AP films: the header alone \
never decides.

In these sets sick and healthy people's films differ in more than the lungs: healthy ones came by another route, and \
were mostly taken standing (PA), sick ones in bed (AP). So every film trained on was made from films of several \
people, half of them sick, both sources and both views in equal parts: in many the lungs of one person are in the \
frame of another, many have another film's grays or are blurred a little, and in some the lungs are hidden, and the \
right answer is how common the finding is.

Labels of films that RSNA's radiologists read as normal were corrected; films of people under 15 were left out. Views \
of films whose set does not say them were told by a linear model of ImageNet features.

Seed 0 ships: it was chosen in advance, not by its score. Calibration, thresholds and the choice of findings come from \
the training films, each read by the network of the fold that held its patient out. The parts of the recipe were \
compared on folds of the training patients; the validation films were looked at for earlier versions, too.
"""

LIMITS = """## Limits

- One institution (NIH Clinical Center), labels read from reports by a program, and almost all abnormal films chosen \
because they have the label pneumonia. So "{pneumonia}" means "abnormal, as films with that label are": it is not told \
from other disease.
- The share of sick people here is far higher than in a clinic; the scores are calibrated to these films.
- The model does not tell where on the film it sees something.
- Scores were measured on x86-64. On ARM64 the same network gives other scores for most films (77 % differed when this \
was compared, by up to 14 of 256 steps of its own output). The thresholds were set on stricter limits than those \
promised to leave room for that, but the rates above were not measured there.
- Films of children, lateral and lordotic views are not covered. A mirrored film is read without a word.
- In int8 the network ranks films somewhat worse than in float32 (see above).
- A film on which nothing is flagged may still be abnormal: {not_covered} are not covered at all.
"""


def chest_card(manifest: Manifest, evaluation: ChestEvaluation) -> str:
    """The card; its figures are those of `chest_figures`."""
    pneumonia = chest_label(evaluation.rules[_abnormal(evaluation)].label).name
    parts = [
        cards.title(manifest, FIRST_LINE, _left_out(evaluation.without)),
        "## How good it is\n",
        f"Measured on {evaluation.validation_films} films that were not used for training (RSNA-normal ones have no "
        "patient numbers, so a person may be on both sides) and, where it says pooled, "
        f"also on the {evaluation.training_films} training films, each read by a network that had not seen "
        f"it; {evaluation.left_out} films were left out (too young, or damaged). Every score was computed by the "
        "kiosk's own engine host from the kiosk's own pixels, in int8. Square brackets hold 95 % intervals: by "
        "bootstrap over patients, for counts by Wilson's method. AUROC is how often a film with the finding has a "
        "higher score than one of the same view without it: 0.5 is chance, 1 is always.\n",
        cards.figure(TRADE_OFF_FILE, "Share of abnormal films found against share of normal films called urgent"),
        "### Who is called urgent, and what is flagged\n",
        _shares(evaluation),
        "### Each finding, pooled\n",
        _findings(evaluation),
        cards.figure(AUROC_FILE, "AUROC of each finding with its interval"),
        "### Does it look at the lungs?\n",
        _controls(evaluation),
        cards.figure(CONTROLS_FILE, "AUROC of films as they are, in each control, and of models of one cue"),
        "### Does it answer the same if a film is changed?\n",
        _changes(evaluation),
        "### Where on the film?\n",
        _pointing(evaluation),
        "### In other forms\n",
        _forms(evaluation),
        MADE,
        _urgent(evaluation),
        LIMITS.format(pneumonia=pneumonia, not_covered=", ".join(manifest.not_covered)),
        cards.sources(manifest),
    ]
    return "\n".join(parts)


def _left_out(without: Sequence[LeftOutSource]) -> str:
    """What a network says of normal films of a source that it was not trained on: the nearest thing to another
    hospital that these sets allow.
    """
    told = [
        f"Trained without {SOURCE_NAMES[Source(one.source)]}, the same recipe calls {cards.counted(one.urgent)} of "
        f"them urgent and flags {cards.counted(one.flagged)}."
        for one in without
    ]
    if not told:
        return "No source was left out to see."
    return (
        f"{' '.join(told)} Their thresholds are the shipped network's, and both sources are of one hospital: expect "
        "worse at another."
    )


def _shares(evaluation: ChestEvaluation) -> str:
    shipped = evaluation.shipped

    def of_seeds(name: str) -> str:
        return cards.spread([seed.shares.urgent[name].value for seed in evaluation.seeds if name in seed.shares.urgent])

    groups = [f"{source} normal, {view}" for source in Source for view in VIEWS]
    groups += [f"{one.label}, {view}" for one in shipped.pooled for view in VIEWS if one.positives[view]]
    rows = [
        (
            _group_name(name),
            _counted(shipped.shares.urgent.get(name)),
            of_seeds(name),
            _counted(shipped.shares.flagged.get(name)),
            _counted(shipped.pooled_shares.urgent.get(name)),
            _counted(shipped.pooled_shares.flagged.get(name)),
        )
        for name in groups
        if name in shipped.pooled_shares.urgent
    ]
    pooled = ("urgent, pooled", "any flag, pooled")
    header = ("Films", "urgent, validation", "all seeds", "any flag, validation", *pooled)
    return (
        "The box is set, from the held-out training films, to the highest sum of the shares of pneumonia and of edema "
        "found while few normal films are called: the limits are 5 % of RSNA-normal PA films urgent, 10 % of normal AP "
        "films urgent, and 15 % of RSNA-normal films with any flag. They were aimed at with some room. **The pooled "
        "columns hold the training films that set the thresholds, so of false alarms they show too few; the validation "
        f"columns are the test.** {_limits_kept(evaluation)}\n\n" + cards.table(header, rows)
    )


def _limits_kept(evaluation: ChestEvaluation) -> str:
    """Which limits the seeds keep on the validation films."""
    broken = []
    for (view, source), limit in PROMISED_URGENT.items():
        name = f"{source} normal, {view}"
        shares = [seed.shares.urgent[name].value for seed in evaluation.seeds if name in seed.shares.urgent]
        if shares and max(shares) > limit:
            broken.append(f"{_group_name(name)}: {cards.spread(shares)} urgent instead of {limit:.2f}")
    for source, limit in PROMISED_FLAGGED.items():
        name = f"{source} normal"
        shares = [seed.shares.flagged[name].value for seed in evaluation.seeds if name in seed.shares.flagged]
        if shares and max(shares) > limit:
            broken.append(f"normal, {source}: {cards.spread(shares)} with a flag instead of {limit:.2f}")
    return f"**Not kept there: {'; '.join(broken)}.**" if broken else "There, every seed keeps them."


def _group_name(name: str) -> str:
    kind, _, view = name.partition(", ")
    for source in Source:
        kind = kind.replace(f"{source} normal", f"normal, {source}")
    return f"{kind}, {view}"


def _counted(share: Portion | None) -> str:
    return cards.NOT_AVAILABLE if share is None else cards.counted(share)


def _findings(evaluation: ChestEvaluation) -> str:
    def row(one: MatchedScores, number: int) -> tuple[str, ...]:
        def of(name: str) -> str:
            value: Bounds | None = getattr(one, name)
            seeds = [getattr(seed.pooled[number], name) for seed in evaluation.seeds]
            known = [seed.value for seed in seeds if seed is not None]
            return cards.with_interval(value) + (f"; seeds {min(known):.3f} to {max(known):.3f}" if known else "")

        counts = ", ".join(f"{count} {view}" for view, count in one.positives.items())
        return (
            f"{chest_label(one.label).name} ({counts})",
            of("against_rsna_normal"),
            of("in_pa"),
            of("against_no_finding"),
            of("within_abnormal"),
        )

    header = ("Finding", "against RSNA-normal", "in PA alone", "against No Finding", "among abnormal films")
    means = evaluation.shipped.pooled_means
    rows = [row(one, number) for number, one in enumerate(evaluation.shipped.pooled)]
    rows.append(
        (
            "mean",
            cards.with_interval(means.against_rsna_normal),
            cards.NOT_AVAILABLE,
            cards.with_interval(means.against_no_finding),
            f"{cards.with_interval(means.within_abnormal)}; without edema "
            f"{cards.with_interval(means.within_abnormal_without_edema)}",
        )
    )
    dropped = "; ".join(
        f"{chest_label(label).name} {value:.2f} [{low:.2f} to {high:.2f}]"
        for label, (value, low, high) in evaluation.not_shipped.items()
    )
    rare = ", ".join(chest_label(label).name for label in evaluation.too_rare)
    not_reported = []
    if dropped:
        not_reported.append(
            f"Trained for, but told from other abnormal films no better than by chance, and so not reported: {dropped}."
        )
    if rare:
        not_reported.append(f"Trained for, but too rare in each view to be measured, and so not reported: {rare}.")
    return (
        cards.table(header, rows)
        + f"\nIn a view with fewer than {FEWEST_POSITIVES} films with a finding it is not measured, and not flagged. "
        + (" ".join(not_reported) or "Every finding but the first is told from other abnormal films.")
        + "\n"
    )


def _controls(evaluation: ChestEvaluation) -> str:
    shipped = evaluation.shipped

    def row(name: str) -> tuple[str, ...]:
        shown = shipped.controls[name]
        seeds = [seed.controls[name].against_rsna_normal.value for seed in evaluation.seeds]
        return (
            name,
            cards.with_interval(shown.against_rsna_normal),
            cards.spread(seeds),
            cards.with_interval(shown.against_no_finding),
            cards.counted(shown.urgent_rsna_normal),
        )

    as_they_are = evaluation.forms[Form.INT8].auroc
    one = shipped.validation[_abnormal(evaluation)]
    rows = [
        (
            "as they are",
            cards.with_interval(as_they_are),
            cards.spread([_validation_auroc(seed) for seed in evaluation.seeds]),
            cards.with_interval(one.against_no_finding),
            _counted(shipped.shares.urgent.get(f"{Source.RSNA_NORMAL} normal")),
        ),
        *(row(name) for name in (LUNGS_MASKED, BORDER_ALONE, SICK_GRAYS)),
    ]
    header = ("Films shown", "abnormal against RSNA-normal", "all seeds", "against No Finding", "RSNA-normal urgent")
    cues = cards.table(
        ("A model that sees only", "abnormal against RSNA-normal", "against No Finding"),
        [
            (name, cards.with_interval(cue.against_rsna_normal), cards.with_interval(cue.against_no_finding))
            for name, cue in evaluation.cues.items()
        ],
    )
    best = max(cue.against_rsna_normal.value for cue in evaluation.cues.values())
    best_within = max(cue.against_no_finding.value for cue in evaluation.cues.values())
    within = "-" if one.against_no_finding is None else f"{one.against_no_finding.value - best_within:+.2f}"
    return (
        "A network that looks at the lungs cannot tell films apart whose lungs are masked, or of which only the border "
        "is left: there, AUROC should be near 0.5. Validation films.\n\n"
        + cards.table(header, rows)
        + f"\nBoth kinds of normal films should look the same to it: No Finding has a higher score than RSNA-normal in "
        f"{cards.with_interval(shipped.normal_apart)} of the pairs of the same view (seeds "
        f"{cards.spread([seed.normal_apart.value for seed in evaluation.seeds])}). It told the right view of "
        f"{cards.counted(shipped.views_told)} films; another film is read by the thresholds of the wrong view.\n\n"
        "How far a single cue goes, by a model made for it alone:\n\n"
        + cues
        + f"\nAgainst RSNA-normal films the network is {as_they_are.value - best:+.2f} from the best of them, against "
        f"No Finding films {within}: within that collection, other cues than the lungs may go as far.\n"
    )


def _abnormal(evaluation: ChestEvaluation) -> int:
    return for_abnormal([rule.label for rule in evaluation.rules])


def _validation_auroc(seed: ChestSeed) -> float:
    against = seed.validation[for_abnormal([one.label for one in seed.validation])].against_rsna_normal
    return float("nan") if against is None else against.value


def _changes(evaluation: ChestEvaluation) -> str:
    header = ("Change", "sensitivity", "specificity")
    rows = [
        (name, cards.difference(one.sensitivity), cards.difference(one.specificity))
        for name, one in evaluation.changes.items()
    ]
    return (
        "Differences from the same validation films as they are, any flag: abnormal films flagged, normal films not "
        "flagged.\n\n" + cards.table(header, rows)
    )


def _pointing(evaluation: ChestEvaluation) -> str:
    game = evaluation.pointing
    if game is None:
        return "No film had a radiologist's box, so nobody knows. No heat map is shown.\n"
    measured = (
        f"Over {game.boxes} boxes that radiologists drew around pneumonias on {game.films} held-out films, the hottest "
        f"point of the map lies in the box for {cards.with_interval(game.hit_rate, digits=2)}, and "
        f"{cards.with_interval(game.share_in_box, digits=2)} of the tint does. Against the mean map of other films: "
        f"{cards.difference(game.hits_over_mean_map)} and {cards.difference(game.share_over_mean_map)}; against a blob "
        f"in the middle: {cards.difference(game.hits_over_centre)} and {cards.difference(game.share_over_centre)}. "
    )
    return measured + (
        "The maps point better than either; none is shown yet.\n"
        if game.points
        else "That is not better than what never saw the film, so no heat map is shown.\n"
    )


def _forms(evaluation: ChestEvaluation) -> str:
    rows = [
        ("abnormal against RSNA-normal, validation", {f: cards.with_interval(evaluation.forms[f].auroc) for f in Form}),
        ("minus float32", {f: cards.difference(evaluation.forms[f].minus_float32) for f in Form}),
        cards.size_row(evaluation.sizes),
        *cards.latency_rows(evaluation.latencies),
    ]
    return cards.table_of_forms(rows) + "\n" + cards.timed_on(evaluation.latencies) + "\n"


def _urgent(evaluation: ChestEvaluation) -> str:
    named = [
        f"{chest_label(rule.label).name} ({' and '.join(views)} films)"
        for rule in evaluation.rules
        if (views := [view for view in VIEWS if rule.urgent_thresholds[view] is not None])
    ]
    return (
        "## Urgent findings\n\n"
        + (
            f"Marked urgent from a higher threshold on: {', '.join(named)}. Such disease can kill within hours to days "
            "and can be treated in a clinic without a radiologist. Other findings are common and seldom need action "
            "within the hour when they stand alone, and marking everything urgent marks nothing."
            if named
            else "Nothing is marked urgent: no threshold kept the limits on false alarms."
        )
        + "\n"
    )
