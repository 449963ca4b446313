"""`python -m leapfrog` is the command `leapfrog`."""

from leapfrog.cli import main

if __name__ == "__main__":
    main()
