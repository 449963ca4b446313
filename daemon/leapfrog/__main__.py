"""`python -m leapfrog` is the command `leapfrog`. Runs in the main process."""

from leapfrog.cli import main

if __name__ == "__main__":
    main()
