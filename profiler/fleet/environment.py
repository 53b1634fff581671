"""Where `aforo fleet setup` puts an Aforo on a host: below the home folder, in an environment of its own."""

FOLDER = ".local/share/aforo"
"""Below the home folder; the environments, one for each wheel, are in `environments/` of it."""

COMMAND = f"{FOLDER}/environment/bin/aforo"
"""Below the home folder: the command of the environment that was made last."""
