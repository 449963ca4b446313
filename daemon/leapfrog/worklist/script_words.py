"""What the script of the worklist says, by the names by which it says it."""

from leapfrog.language.sentence import plural, sentence

# What a search understands besides English.
SEARCH_WORDS = {
    "today": sentence("Today"),
    "yesterday": sentence("Yesterday"),
}
SCRIPT_WORDS = {
    **SEARCH_WORDS,
    "checking": sentence("… looking whether the box runs"),
    "running": sentence("● the box is running"),
    "stopped": sentence("✕ no sign of life"),
    "older": sentence("Older exams"),
    "forSearch": sentence("Older exams, for the search"),
    # Translators: of exams; stands beside a heading
    "ofAll": sentence("{count} of {all}"),
    "found": plural("{count} of {all} exams shown.", "{count} of {all} exams shown."),
    "ofFound": plural(
        "{found} of {all} exams match; {count} of them shown.", "{found} of {all} exams match; {count} of them shown."
    ),
    "looking": sentence("Still looking through older exams."),
    # Translators: nothing was found; "Clear" is what the button says that is translated elsewhere
    "none": sentence("Write less of it, or press Clear to see all exams."),
    "more": plural("Show {count} more", "Show {count} more"),
    # Translators: stands above a printed list, as the next two
    "partSearch": sentence("Only what was found for “{query}”:"),
    "partFilter": sentence("Only the exams under “{filter}”:"),
    "partBoth": sentence("Only what was found for “{query}” among the exams under “{filter}”:"),
    "hiddenSearch": plural(
        "The search hides {count} of the newest urgent exams.", "The search hides {count} of the newest urgent exams."
    ),
    "hiddenFilter": plural(
        "The filter hides {count} of the newest urgent exams.", "The filter hides {count} of the newest urgent exams."
    ),
    "hiddenBoth": plural(
        "Search and filter hide {count} of the newest urgent exams.",
        "Search and filter hide {count} of the newest urgent exams.",
    ),
    # Translators: "Clear" is what the button says that is translated elsewhere
    "unseen": plural(
        "{count} new urgent exam is hidden: press Clear.", "{count} new urgent exams are hidden: press Clear."
    ),
}
