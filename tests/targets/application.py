"""A small HTTP server for tests of the target `local`: it says its release, and misbehaves as its release tells it.

Run as `python -ISB application.py` in a directory with `release.json`: `{"name": …, "mode": …}`.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path


def log(message: str, **fields: object) -> None:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": moment, "message": message, **fields}), flush=True)


def main() -> int:
    told = json.loads(Path("release.json").read_text())
    name, mode, after = told["name"], told.get("mode", "ok"), float(told.get("after", 0))
    log("starting", release=name, secret=os.environ.get("APP_SECRET", ""))
    if mode == "exit":
        return int(told["code"])
    if mode == "eat":
        held = [bytearray(os.urandom(1024) * 1024) for _ in range(512)]
        return len(held)
    if mode == "once":
        with Path(os.environ["ONCE"]).open("a") as file:
            file.write("ran\n")
        return int(told.get("code", 0))
    if mode == "ignore-term":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "grandchildren":
        # One in the group that ignores TERM, one that left the group.
        ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        argv = [sys.executable, "-ISc", ignoring]
        children = [subprocess.Popen(argv), subprocess.Popen(argv, start_new_session=True)]
        Path(os.environ["PIDS"]).write_text(" ".join(str(child.pid) for child in children))
    if mode == "crash":
        threading.Timer(after, lambda: os._exit(told.get("code", 3))).start()
    state = {"asked": 0}

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state["asked"] += 1
            if mode == "hang":
                time.sleep(60)
            bad = mode == "unhealthy" or (mode == "flapping" and state["asked"] % 2)
            body = {"release": name, "env": {k: v for k, v in os.environ.items() if k.startswith("APP_")}}
            data = json.dumps(body).encode()
            self.send_response(503 if bad else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers)
    log("listening", release=name)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
