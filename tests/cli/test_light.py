"""`dcn light` against nodes that are no more than a list of light blocks: the whole command."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from node.blocks import EvidencePiece, accusation, block_id
from node.light.steps import key_of
from node.messages import EvidenceMessage, decode_message
from tests.cli.own_network import command
from tests.light.chains import Chain
from wire.codec import encode

FOUR = dict.fromkeys("abcd", 10)
TOKEN = "secret"
OLD = ("--trusting-period", "10000")


class Fake:
    """An API with one chain behind it; keeps the evidence that it is sent."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.evidence: list[EvidencePiece] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _send(self, status: int, content: Any) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def do_GET(self) -> None:
                if self.headers.get("authorization") != f"Bearer {TOKEN}":
                    self._send(401, {"code": "API_UNAUTHORISED", "detail": "no such token"})
                    return
                height = self.path.removeprefix("/v1/light/")
                number = fake.chain.height if height == "latest" else int(height)
                if number > fake.chain.height:
                    self._send(404, {"code": "API_NOT_FOUND"})
                else:
                    self._send(200, {"light_block": encode(fake.chain.at(number)).hex()})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                for text in body["evidence"]:
                    message = decode_message(bytes.fromhex(text))
                    assert isinstance(message, EvidenceMessage)
                    fake.evidence.append(message.piece)
                self._send(201, {"received": len(body["evidence"])})

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def running(self) -> Iterator["Fake"]:
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@contextmanager
def fakes(folder: Path, *chains: Chain) -> Iterator[tuple[list[Fake], list[str]]]:
    """Nodes with these chains, and the options that name them all and their tokens."""
    with ExitStack() as stack:
        made = [stack.enter_context(Fake(chain).running()) for chain in chains]
        tokens = folder / "tokens"
        tokens.write_text("# url token\n" + "".join(f"{one.url} {TOKEN}\n" for one in made))
        options = ["--node", made[0].url, "--tokens", str(tokens)]
        for one in made[1:]:
            options += ["--witness", one.url]
        yield made, options


def trust(chain: Chain, height: int) -> str:
    return f"{height}:{block_id(chain.at(height).header).hex()}"


def test_trust_grows_from_one_named_header_and_is_kept(tmp_path: Path) -> None:
    chain = Chain([FOUR] * 30)
    with fakes(tmp_path, chain, chain) as (nodes, options):
        home = ("--home", tmp_path / "light")
        begun = command(
            "light", "sync", *home, *options, *OLD, "--json", "--trust", trust(chain, 3)
        )
        assert begun.returncode == 0, begun
        assert json.loads(begun.stdout)["height"] == 29
        nodes[0].chain = nodes[1].chain = Chain([FOUR] * 40, list(chain.blocks))
        again = command("light", "sync", *home, *options, *OLD, "--json")
        told = json.loads(again.stdout)
        assert (told["height"], told["dismissed"]) == (39, {})
        wrong = f"3:{'00' * 32}"
        other = command("light", "sync", *home, *options, *OLD, "--trust", wrong)
        assert other.returncode == 4, other
        assert "LIGHT_WRONG_ROOT" in other.stderr


def test_a_fork_ends_the_command_and_both_sides_are_told(tmp_path: Path) -> None:
    chain = Chain([FOUR] * 20)
    other = chain.forked(12, body="other", signers="abc")
    with fakes(tmp_path, chain, other) as (nodes, options):
        home = tmp_path / "light"
        found = command(
            "light", "sync", "--home", home, *options, *OLD, "--json", "--trust", trust(chain, 1)
        )
        assert found.returncode == 1, found
        told = json.loads(found.stdout)
        assert (told["code"], told["attack"]) == ("LIGHT_FORK", "equivocation")
        assert told["common_height"] == 11
        guilty = sorted(key_of(name).public.hex() for name in "abc")
        assert told["node"]["accused"] == told["witness"]["accused"] == guilty
        for node in nodes:
            accused = sorted(accusation(one).consensus_key.hex() for one in node.evidence)
            assert accused == guilty
        kept = json.loads(Path(told["file"]).read_text())
        assert set(kept["light_blocks"]) == {"common", "node", "witness"}
        assert (home / "trusted.dcn").exists()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    chain = Chain([FOUR] * 5)
    with fakes(tmp_path, chain, chain) as (nodes, options):
        home = ("--home", tmp_path / "light")
        cases = [
            (["--trust", "1:00"], 2, "HEIGHT:ID"),
            ([], 3, "LIGHT_NOTHING_TRUSTED"),
            (["--trust", trust(chain, 1)], 3, "LIGHT_TRUST_EXPIRED"),
            (["--trust", trust(chain, 1), "--trust-level", "1/4"], 4, "LIGHT_BAD_OPTIONS"),
            (["--trust", trust(chain, 1), "--trust-level", "x"], 2, "fraction"),
        ]
        for more, code, said in cases:
            result = command("light", "sync", *home, *options, *more)
            assert (result.returncode, said in result.stderr) == (code, True), result
        url = nodes[0].url
        result = command("light", "sync", *home, "--node", url, "--trust", trust(chain, 1))
        assert (result.returncode, "no token" in result.stderr) == (2, True), result
        alone = command("light", "sync", *home, *options[:4], *OLD, "--trust", trust(chain, 1))
        assert "LIGHT_NO_PROVIDER" in alone.stderr


@pytest.mark.parametrize(("recorded", "code"), [("SUCCESS", 0), ("INVALID", 1)])
def test_recorded_steps_are_judged(tmp_path: Path, recorded: str, code: int) -> None:
    block = {"height": 1, "time_ms": 1_000, "validators": FOUR, "next_validators": FOUR}
    step = {"now_ms": 9_000, "verdict": recorded, "block": {**block, "height": 4, "time_ms": 4_000}}
    steps = {"chain_id": "x", "trusting_period_ms": 10**6, "initial": block, "steps": [step]}
    file = tmp_path / "steps.json"
    file.write_text(json.dumps(steps))
    result = command("light", "replay", file, "--json")
    assert result.returncode == code
    told = json.loads(result.stdout)
    assert told["agree"] is (code == 0)
    assert told["steps"][0]["verdict"] == "SUCCESS"
