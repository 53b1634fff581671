"""`aforo` for which no endpoint is on this machine: `python as_if_elsewhere.py run … --url http://127.0.0.1:PORT`."""

import sys

if __name__ == "__main__":
    from profiler.__main__ import main
    from profiler.servers import openai_http

    openai_http.is_here = lambda host: False
    sys.argv[0] = "aforo"
    main()
