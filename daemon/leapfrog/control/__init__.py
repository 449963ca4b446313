"""How a person asks and steers a running box: socket, commands, status, systemd. Main process."""
