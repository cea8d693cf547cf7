"""Whatever is sent, the answer is what the document says. Long: DCN_FUZZ_EXAMPLES=500."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from node.daemon import Daemon
from node.observer.app import document
from tests.api.fuzz import STREAMS, fuzz_filled
from tests.api.served import served

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

EXAMPLES = int(os.environ.get("DCN_FUZZ_EXAMPLES", "4"))


@pytest.mark.timeout(3_600)
async def test_schemathesis_finds_no_answer_that_is_not_documented(
    filled: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(filled, tmp_path / "home")
    code, said = await fuzz_filled(home, examples=EXAMPLES, seed=EXAMPLES)
    assert code == 0, said
    asked = sum(len(methods) for methods in document()["paths"].values())
    asked -= len(STREAMS)
    assert f"{asked} passed" in said, said


async def test_what_is_no_http_is_answered_in_the_one_form(daemon: Daemon) -> None:
    async with served(daemon) as at:
        host, port = at.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/health HTTP/9.9\x00\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "API_BAD_REQUEST"
