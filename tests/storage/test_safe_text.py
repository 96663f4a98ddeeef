"""What servers, models and files of others said reaches a terminal as visible signs, never as commands to it."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.dataset import verify
from apigen_nb.storage.progress import progress_line

ESCAPES = "\x1b[31m\x1b]0;pwned\x07\u202e\u200f\x9b"


def visible(text: str) -> bool:
    return "pwned" in text and not set("\x1b\x07\x9b\u202e\u200f") & set(text)


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", f"no{ESCAPES}"]) == 2
    assert visible(capsys.readouterr().err)


class Refuses(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        said = json.dumps({"error": {"message": f"no key {ESCAPES}"}}).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


def test_what_a_server_says_when_it_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        params = tmp_path / "x.yaml"
        params.write_text(
            f"domain: retail\nseeds: 8\nmodel: tiny\nbase_url: http://127.0.0.1:{server.server_port}/v1\n"
        )
        assert main(["estimate", str(params), "--out", str(tmp_path / "out")]) == 3
        server.shutdown()
    assert visible(capsys.readouterr().err)


def test_findings_about_a_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told:
        rows, failures = 1, ("x",)

        def lines(self) -> list[str]:
            return [f"retail-00001.t1: {ESCAPES}"]

    monkeypatch.setattr(verify, "verify_dataset", lambda folder: Told())
    assert main(["verify", str(tmp_path)]) == 1
    assert visible(capsys.readouterr().out)


def test_progress() -> None:
    told: dict[str, Any] = {"title": "x", "done": 1, "total": 2, "accepted": 1, "gates": {ESCAPES: (1, 2)}}
    assert visible(progress_line(told))
