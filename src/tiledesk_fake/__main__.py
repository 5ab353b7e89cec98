"""`python -m tiledesk_fake`, the command line."""

from .cli import main

main()
