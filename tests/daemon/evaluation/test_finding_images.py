"""Which images count for one finding."""

from leapfrog.evaluation.finding_images import FindingImages
from leapfrog.evaluation.labelled import EvaluatedImage, LabelledImage, SaidFinding, SaidOfImage
from leapfrog.exam import FrontalView

SAID = SaidFinding(score=0.7, threshold=0.6, flagged=True, urgent=False)


def image(
    name: str, there: bool | None, *, assessed: bool = True, said: bool = True, view: FrontalView = "PA"
) -> EvaluatedImage:
    findings = {"Bright": SAID} if said else {}
    return EvaluatedImage(
        labelled=LabelledImage(file=name, truth={} if there is None else {"Bright": there}),
        said=SaidOfImage(sha256=name, outcome="findings", view=view, findings=findings),
        assessed=assessed,
    )


def names(images: tuple[EvaluatedImage, ...]) -> list[str]:
    return [one.labelled.file for one in images]


def test_images_are_read_or_unread_or_not_looked_at_for_the_finding() -> None:
    images = [
        image("sick", True),
        image("healthy", False),
        image("nobody knows", None),
        image("read by another", True, assessed=False),
        image("not looked for", False, said=False),
        image("AP", True, view="AP"),
    ]
    chosen = FindingImages.of(images, "Bright", None)
    assert names(chosen.read) == ["sick", "healthy", "AP"]
    assert (names(chosen.unread), names(chosen.not_looked_for)) == (["read by another"], ["not looked for"])
    assert (chosen.positive.tolist(), chosen.scores.tolist()) == ([True, False, True], [0.7, 0.7, 0.7])
    assert names(FindingImages.of(images, "Bright", "AP").read) == ["AP"]
    assert FindingImages.of(images, "Dark", None).known == 0
