"""`python -m app.cli` is `campaigns`."""

from app.cli import main

main()
