"""The commands that run without the daemon, each a short program with a file or a folder of its own."""
