"""What every page that Leapfrog writes has inside it."""

from pathlib import Path

from leapfrog.web_page import inline


def test_a_script_is_put_into_a_page_without_what_only_its_readers_need(tmp_path: Path) -> None:
    script = tmp_path / "one.js"
    script.write_text('"use strict";\n// Why it is so.\nif (seen) {\n  show("// a", "https://b"); // once\n\n}\n')
    assert inline(script) == '"use strict";\nif (seen) {\nshow("// a", "https://b"); // once\n}\n'
