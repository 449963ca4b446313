"""What the script of the worklist says, by the names by which it says it."""

from leapfrog.language.listing import SEMICOLON
from leapfrog.language.sentence import plural, sentence

SCRIPT_WORDS = {
    "checking": sentence("… looking whether the box runs"),
    "running": sentence("● the box is running"),
    "stopped": sentence("✕ no sign of life"),
    "older": sentence("Older exams"),
    "forSearch": sentence("Older exams, for the search"),
    # Translators: of exams
    "shown": plural("{number} of {count} shown", "{number} of {count} shown"),
    "more": plural("{count} more matches: say more", "{count} more match: say more"),
    "apart": SEMICOLON,
    "looking": sentence("still looking through older exams"),
    # Translators: of exams
    "hiding": plural("{count} urgent hidden by the search", "{count} urgent hidden by the search"),
}
