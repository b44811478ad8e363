"""`python -m tuskwatch` is the command `tuskwatch`."""

from tuskwatch.cli import main

main()
