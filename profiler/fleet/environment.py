"""Where `aforo fleet setup` puts an Aforo on a host: below the home folder, in an environment of its own."""

from collections.abc import Sequence

FOLDER = ".local/share/aforo"
"""Below the home folder; the environments, one for each wheel, are in `environments/` of it."""

COMMAND = f"{FOLDER}/environment/bin/aforo"
"""Below the home folder: the command of the environment that was made last."""

FIND = f"""\
own="$HOME/{COMMAND}"
if [ "$1" = aforo ] && [ -x "$own" ]; then shift; set -- "$own" "$@"; fi
case $1 in "~/"*) own="$HOME/${{1#??}}"; shift; set -- "$own" "$@";; esac
"""
"""Lines for a shell of the host: in `"$@"`, a first word `aforo` becomes that command, where there is one, and a path
may begin with the home folder."""


def found(argv: Sequence[str]) -> list[str]:
    """Return a command line that runs another one as `FIND` finds it."""
    if argv[0] == "aforo" or argv[0].startswith("~/"):
        return ["sh", "-c", f'{FIND}exec "$@"', "sh", *argv]
    return list(argv)
