"""A program that speaks vLLM's interface, and can go wrong in every way that a server can.

stand_in_engine.py --version
stand_in_engine.py serve MODEL --served-model-name NAME --port N [--lora-modules NAME=DIR] [--fault=FAULT]
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GAPS = "vllm:inter_token_latency_seconds"
FIRST = "vllm:time_to_first_token_seconds"
WHOLE = "vllm:e2e_request_latency_seconds"
PREFILL = "vllm:request_prefill_time_seconds"
PREFILLED = "vllm:request_prefill_kv_computed_tokens"
PAUSE_S = 0.002
SILENT_EACH = 4  # the first of so many tokens has no text, as half a character or a special token


class Engine:
    """What it has counted, and how it misbehaves."""

    def __init__(self, names: list[str], fault: str) -> None:
        self.names = ["somebody/else"] if fault == "other-name" else names
        self.fault = fault
        self.pause_s = PAUSE_S
        if fault.startswith("best-threads-"):  # with any other number of threads a token takes eight times as long
            is_best = os.environ.get("OMP_NUM_THREADS") == fault.removeprefix("best-threads-")
            self.pause_s = PAUSE_S if is_best else 8 * PAUSE_S
        self.sums = dict.fromkeys([GAPS, FIRST, WHOLE, PREFILL, PREFILLED], 0.0)
        self.counts = Counter()

    def observe(self, name: str, value: float) -> None:
        self.sums[name] += value
        self.counts[name] += 1

    def page(self) -> str:
        labels = '{engine="0",model_name="m"}'
        rows = [(f"{name}_count", self.counts[name]) for name in self.sums]
        rows += [(f"{name}_sum", value) for name, value in self.sums.items()]
        return "".join(f"{name}{labels} {value}\n" for name, value in rows)


class Handler(BaseHTTPRequestHandler):
    engine: Engine
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self.answer({"data": [{"id": name} for name in self.engine.names]})
        elif self.path == "/metrics":
            self.send(self.engine.page().encode())
        else:
            self.answer({})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.engine.fault == "strict" and "min_p" in asked:
            self.send_error(400, "Unknown field: min_p")
        elif asked["model"] not in self.engine.names:
            self.send_error(404, "The model does not exist.")
        elif self.path == "/tokenize":
            self.answer({"count": len(asked["prompt"].split())})
        else:
            self.stream(asked)

    def stream(self, asked: dict) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        start_s = last_s = time.monotonic()
        prompt_tokens = len(asked["prompt"].split())
        for number in range(asked["max_tokens"]):
            is_last = number == asked["max_tokens"] - 1
            text = "" if number % SILENT_EACH == 0 else "a "
            choice = {"text": text, "finish_reason": "length" if is_last else None}
            usage = {"prompt_tokens": prompt_tokens, "completion_tokens": number + 1}
            along = {"usage": usage} if asked["stream_options"].get("continuous_usage_stats") else {}
            self.event({"model": asked["model"], "choices": [choice], **along})
            now_s = time.monotonic()
            self.engine.observe(GAPS if number else FIRST, now_s - last_s)
            last_s = now_s
            if self.engine.fault == "crash-serving" and number == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.engine.pause_s)
        self.engine.observe(PREFILL, PAUSE_S)
        self.engine.observe(PREFILLED, prompt_tokens)
        self.engine.observe(WHOLE, last_s - start_s)
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


def handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    return type("HandlerOfEngine", (Handler,), {"engine": engine})


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
    adapter = options.get("--lora-modules", "").partition("=")[0]
    names = [options["--served-model-name"], *([adapter] if adapter else [])]
    ThreadingHTTPServer(("127.0.0.1", int(options["--port"])), handler(Engine(names, fault))).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
