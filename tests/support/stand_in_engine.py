"""A program that speaks vLLM's interface, and can go wrong in every way that a server can.

stand_in_engine.py --version
stand_in_engine.py serve MODEL --served-model-name NAME --port N [--fault=FAULT]
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HISTOGRAM = "vllm:inter_token_latency_seconds"
PAUSE_S = 0.002


class Engine:
    """What it has counted, and how it misbehaves."""

    def __init__(self, name: str, fault: str) -> None:
        self.name = "somebody/else" if fault == "other-name" else name
        self.fault = fault
        self.gaps = 0
        self.gaps_s = 0.0


def handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/v1/models":
                self.answer({"data": [{"id": engine.name}]})
            elif self.path == "/metrics":
                labels = '{engine="0",model_name="m"}'
                page = f"{HISTOGRAM}_count{labels} {engine.gaps}\n{HISTOGRAM}_sum{labels} {engine.gaps_s}\n"
                self.send(page.encode())
            else:
                self.answer({})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/tokenize":
                self.answer({"count": len(asked["prompt"].split())})
            else:
                self.stream(asked)

        def stream(self, asked: dict) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            last_s = None
            for number in range(asked["max_tokens"]):
                is_last = number == asked["max_tokens"] - 1
                self.event({"choices": [{"text": "a ", "finish_reason": "length" if is_last else None}]})
                now_s = time.monotonic()
                if last_s is not None:
                    engine.gaps, engine.gaps_s = engine.gaps + 1, engine.gaps_s + now_s - last_s
                last_s = now_s
                if engine.fault == "crash-serving" and number == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(PAUSE_S)
            usage = {"prompt_tokens": len(asked["prompt"].split()), "completion_tokens": asked["max_tokens"]}
            self.event({"choices": [], "usage": usage})
            self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

        def event(self, payload: dict) -> None:
            data = b"data: " + json.dumps(payload).encode() + b"\n\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def answer(self, payload: dict) -> None:
            self.send(json.dumps(payload).encode())

        def send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print("WARNING: something is printed before\n0.32.0+cpu")
        return
    options = dict(zip(arguments, [*arguments[1:], ""], strict=True))
    fault = next((word.partition("=")[2] for word in arguments if word.startswith("--fault=")), "")
    print("loading the model", flush=True)
    if fault == "crash-loading":
        print("RuntimeError: the weights are made of cheese", flush=True)
        raise SystemExit(1)
    if fault == "ignore-sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if fault == "never-ready":
        time.sleep(600)
    engine = Engine(options["--served-model-name"], fault)
    ThreadingHTTPServer(("127.0.0.1", int(options["--port"])), handler(engine)).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
