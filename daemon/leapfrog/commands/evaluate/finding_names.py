"""What people call a finding, in labels and options."""

from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import Manifest

SHORTEST_WORD = 5  # letters of a word that may stand for a whole name


def finding_called(text: str, manifest: Manifest) -> FindingRule | None:
    """The finding that is called so, in capitals or not: by its name, by what its code means, or by words that only one
    of them has, as "effusion" for "Pleural effusion". None where none is, or several are.
    """
    wanted = plain(text)
    for rule in manifest.finding:
        if wanted in (plain(rule.name), plain(rule.code.meaning)):
            return rule
    words = set(text.lower().split())
    alike = [rule for rule in manifest.finding if words and words <= _words(rule)]
    return alike[0] if len(alike) == 1 else None


def plain(text: str) -> str:
    """A name by which spellings are compared: letters and digits alone, in lower case."""
    return "".join(filter(str.isalnum, text)).lower()


def _words(rule: FindingRule) -> set[str]:
    names = f"{rule.name} {rule.code.meaning}".lower()
    return {word for word in names.split() if len(word) >= SHORTEST_WORD}
