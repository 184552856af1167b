"""`python -m authenticator.cli`, the same as `authenticator`."""

from authenticator.cli import main

main(prog_name="authenticator")
