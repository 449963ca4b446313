"""How a person queries and controls a running box: socket, commands, status, systemd. Main process."""
