"""Two members agree on terms with `dcn tx`: one makes a transaction, the other signs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.own_network import command
from tests.e2e.network import RealNetwork

pytestmark = pytest.mark.e2e

TERMS = """
tx = "RegisterCsa"
[csa]
first = "{first}"
second = "{second}"
version = 1
eligible = [{{ asset = "USD" }}]
opinion = {{ jurisdiction = "England", reference = "2024", expiry = 20991231 }}
[csa.im]
model = "SCHEDULE"
currency = "USD"
"""


def dcn(*words: object) -> Any:
    """The JSON that a command prints; of an error, the error."""
    done = command(*words, "--json")
    return json.loads(done.stdout or done.stderr)


def test_terms_are_made_signed_by_both_and_sent(network: RealNetwork, tmp_path: Path) -> None:
    one, other = sorted(network.places[:2], key=lambda place: place.lei)
    half, whole = tmp_path / "half.tx", tmp_path / "whole.tx"
    fields = tmp_path / "csa.toml"
    fields.write_text(TERMS.format(first=one.lei, second=other.lei))

    made = dcn("tx", "make", fields, "--out", half, "--home", one.home)
    assert [who["signed"] for who in made["signers"]] == [True, False]
    assert made["code"] == "TX_SIGNATURE_MISSING"
    seen = dcn("tx", "check", half, "--home", other.home)
    assert seen["action"]["csa"]["im"]["model"] == "SCHEDULE"
    signed = dcn("tx", "sign", half, "--out", whole, "--home", other.home)
    assert signed["code"] == "OK"
    sent = dcn("tx", "send", whole, "--home", other.home)
    assert (sent["status"], sent["code"]) == ("decided", "OK")

    rows = dcn("ledger", "csa", "--about", one.lei, "--home", other.home)["items"]
    assert [row["key"] for row in rows] == [[one.lei, other.lei]]
    again = dcn("tx", "check", whole, "--home", one.home)
    assert again["code"] in ("TX_NONCE_REUSED", "CSA_EXISTS")


def test_a_field_that_is_missing_or_unknown_is_named(network: RealNetwork, tmp_path: Path) -> None:
    fields = tmp_path / "post.toml"
    for text, message in (
        ('tx = "PostIm"\nparty = "X"', "needs 'counterparty'"),
        ('tx = "PostIt"', "tx is none of"),
        ('tx = "StandDown"\nmember = 5', "5 is no str"),
        ("tx = ", "Invalid value"),
    ):
        fields.write_text(text)
        home = network.places[0].home
        refused = dcn("tx", "make", fields, "--out", tmp_path / "x", "--home", home)
        assert refused["code"] == "FORM_INVALID"
        assert message in refused["detail"]


def test_a_table_that_is_not_there_names_those_that_are(network: RealNetwork) -> None:
    assert "call" in dcn("ledger", "--home", network.places[0].home)
    refused = dcn("ledger", "nothing", "--home", network.places[0].home)
    assert "obligation" in refused["detail"]
