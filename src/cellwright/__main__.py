"""`python -m cellwright` is the command line."""

from cellwright.cli.main import main

if __name__ == "__main__":
    main()
