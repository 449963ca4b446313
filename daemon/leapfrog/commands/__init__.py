"""What a person runs besides the daemon, a file or a folder for each command. Short programs of their own."""
