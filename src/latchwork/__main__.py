"""`python -m latchwork`: the command, where its script is not on the path."""

from latchwork.cli.main import main

if __name__ == "__main__":
    main()
