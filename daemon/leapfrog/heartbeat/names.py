"""What the pages are called that open pages listen to, and how often they speak. The publishing program needs these
names, and nothing else but the standard library.
"""

ALIVE_NAME = "alive.html"  # beside the worklist: it says another number every few seconds, as long as the box runs
ALIVE_NOW_NAME = "alive.now.html"  # beside it: a link to the same page in the box's memory; watch.js knows this name
NEWEST_NAME = "report.newest.html"  # beside a report: which version of it is the newest
BEAT_SECONDS = 8.0
POLL_MILLISECONDS = 2000  # how often an open page listens; after seven times without another number it warns
