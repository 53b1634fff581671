"""`python -m profiler` and the `aforo` command."""

from profiler.cli import main

if __name__ == "__main__":
    main()
