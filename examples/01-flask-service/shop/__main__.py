# SPDX-License-Identifier: Apache-2.0
import os
import signal
import sys

from werkzeug.serving import make_server

from . import create_app


def main() -> None:
    # As process 1 of a container, Python would not end on SIGTERM by itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ.get("PORT", "8000"))
    app = create_app()
    server = make_server("0.0.0.0", port, app, threaded=True)
    print(f"shop: listening on port {port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
