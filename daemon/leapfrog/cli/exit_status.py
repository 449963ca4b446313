"""How a command ends that did not succeed."""

EXIT_FAILED = 1
EXIT_WRONG_USE = 2
