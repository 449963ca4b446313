"""What axe-core finds wrong with a page: barriers for people who see little, or use a keyboard or a screen reader."""

from pathlib import Path
from typing import Any

from support.browser import Browser

AXE = Path(__file__).with_name("axe") / "axe.min.js"


def violations(browser: Browser) -> list[str]:
    """Each rule that the page breaks, with where. The page's policy does not hold for what the protocol evaluates."""
    browser.value(AXE.read_text(encoding="utf-8") + "; true")
    found: list[dict[str, Any]] = browser.value("axe.run(document).then((result) => result.violations)")
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
