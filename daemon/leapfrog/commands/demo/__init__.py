"""`leapfrog demo`: the whole box at work on phantoms, with a real daemon as a child process."""
