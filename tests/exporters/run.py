#!/usr/bin/env python3
"""Real exporters through a running sidecar into receivers that answer as the real ones do.

Of every client is asked: the planted secrets reach nobody, everything else arrives equal after decoding, the client sees success,
and nothing is sent twice. `run.py [CLIENT ...]` runs those named, else all. A client that is not installed is a failure, unless it
stands behind `--without`.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import otel
import shippers
import streams
from stage import Stage, Wrong

ROOT = Path(__file__).resolve().parent.parent.parent

CLIENTS = {name.removeprefix("client_").replace("_", "-"): client
           for module in (otel, shippers, streams) for name, client in vars(module).items() if name.startswith("client_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--without", action="append", default=[], metavar="CLIENT")
    parser.add_argument("--binary", default=os.environ.get("SEKISHO_BINARY", ROOT / "target/debug/sekisho"))
    args = parser.parse_args()
    unknown = [name for name in args.clients + args.without if name not in CLIENTS]
    if unknown:
        parser.error(f"no client is called {', '.join(unknown)}")
    if not shutil.which(str(args.binary)):
        parser.error(f"{args.binary} is not there: cargo build, or --binary")
    # What a client says of its own trouble is told by what it did.
    logging.lastResort = None
    failed = []
    for name in args.clients or [name for name in CLIENTS if name not in args.without]:
        with tempfile.TemporaryDirectory() as directory:
            stage = Stage(str(args.binary), directory)
            try:
                CLIENTS[name](stage)
                print(f"ok    {name}", flush=True)
            # Whatever a client throws is what it saw.
            except Exception as error:
                failed.append(name)
                print(f"FAIL  {name}: {error if isinstance(error, Wrong) else repr(error)}", flush=True)
            finally:
                stage.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
