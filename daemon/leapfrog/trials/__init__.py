"""Programs that try something once and print what came of it, each in a process of its own. A reader's side."""
