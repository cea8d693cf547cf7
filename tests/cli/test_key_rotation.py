"""A new consensus key takes the place of the old one when it is its turn, and loses nothing."""

from pathlib import Path

import pytest

from node.home import Home
from node.rotation import KeyNotInForce, NothingToAdopt, adopt, next_key, waiting_keys
from node.signer import FileSigner
from tests.node.stores import copied


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


def test_the_old_key_stays_while_it_signs_the_next_height(home: Home) -> None:
    """A network that needs its vote would wait for ever: the new key does not count yet."""
    before, state = home.keys(), home.signer_state.read_bytes()
    old, new = before.consensus_key, next_key(home, "consensus").key.public
    trade = next_key(home, "trade").key.public
    with pytest.raises(KeyNotInForce, match=old.hex()[:16]):
        adopt(home, {new, trade}, {old})
    assert home.keys() == before
    assert home.signer_state.read_bytes() == state
    assert sorted(waiting_keys(home)) == ["consensus", "trade"]

    assert adopt(home, {new, trade}, {new}) == ["consensus", "trade"]
    assert home.keys().consensus_key == new
    assert waiting_keys(home) == {}
    [kept] = home.data.glob("signer.*.state")
    assert kept.read_bytes() == state


def test_what_the_old_key_has_signed_is_kept_though_the_change_is_interrupted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, new = home.signer_state.read_bytes(), next_key(home, "consensus").key.public

    def cut_short(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Home, "write_keys", cut_short)
        with pytest.raises(OSError, match="no space"):
            adopt(home, {new}, {new})
    assert adopt(home, {new}, {new}) == ["consensus"]
    [kept] = home.data.glob("signer.*.state")
    assert kept.read_bytes() == state
    key = home.keys().signing("consensus")
    assert FileSigner(home.signer_state, home.genesis().chain_id, key).state is not None


def test_a_key_that_the_ledger_does_not_name_waits(home: Home) -> None:
    next_key(home, "treasury")
    with pytest.raises(NothingToAdopt, match="treasury"):
        adopt(home, set(), set())
    assert sorted(waiting_keys(home)) == ["treasury"]
