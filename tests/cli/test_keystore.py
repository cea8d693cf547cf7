"""Keys under a passphrase: sealed, opened, changed, and refused to everybody else."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node import sealing
from node.home import Home, Keys
from node.rotation import next_key
from node.sealing import PassphraseWeak, PassphraseWrong, SealedFileUnreadable, seal, unseal
from node.signing.home import SignerHome
from tests.cli.conftest import Dcn
from tests.node.stores import copied
from wire import ids

LEI = ids.lei_from(f"{'ALICE':0<18}")
PASSPHRASE = "four random words here"


@pytest.fixture(autouse=True, scope="module")
def cheap_scrypt() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "COST", 1 << 4)
        patch.delenv("DCN_PASSPHRASE_FILE", raising=False)
        patch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        yield


def _phrase(path: Path, text: str = PASSPHRASE) -> Path:
    path.write_text(f"{text}\n")
    return path


@settings(max_examples=50)
@given(st.binary(max_size=300), st.text("aé 🔑x", min_size=12, max_size=40))
def test_what_is_sealed_opens_with_its_passphrase_only(data: bytes, phrase: str) -> None:
    sealed = seal(data, phrase)
    assert unseal(sealed, phrase) == data
    assert len(data) < 8 or data not in sealed
    with pytest.raises(PassphraseWrong):
        unseal(sealed, phrase + "x")


@pytest.mark.parametrize("field", ["n", "r", "p", "salt", "nonce", "data"])
def test_an_altered_file_does_not_open(field: str) -> None:
    content = json.loads(seal(b"secret", PASSPHRASE))
    value = content[field]
    content[field] = value * 2 if isinstance(value, int) else "AAAA" + value[4:]
    with pytest.raises((PassphraseWrong, SealedFileUnreadable)):
        unseal(json.dumps(content).encode(), PASSPHRASE)


@pytest.mark.parametrize("change", [{"n": 1 << 21}, {"n": 3}, {"r": 1000}, {"p": 0}, {"x": 1}])
def test_a_file_cannot_make_the_reader_work_for_hours(change: dict[str, int]) -> None:
    content = json.loads(seal(b"secret", PASSPHRASE)) | change
    with pytest.raises(SealedFileUnreadable):
        unseal(json.dumps(content).encode(), PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(PassphraseWeak):
        seal(b"secret", "elevenchars")


def test_a_home_with_sealed_keys_is_made_and_opened(
    dcn: Dcn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, phrase = Home(tmp_path / "home"), _phrase(tmp_path / "phrase")
    made = dcn("init", "--home", home.path, "--lei", LEI, "--passphrase-file", phrase, "--json")
    assert made.code == 0, made
    assert home.sealed
    locked = dcn("keys", "show", "--home", home.path)
    assert (locked.code, locked.err.split(":")[0]) == (3, "PASSPHRASE_MISSING")
    monkeypatch.setenv("DCN_PASSPHRASE_FILE", str(phrase))
    assert dcn("keys", "show", "--home", home.path, "--json").json() == made.json()
    monkeypatch.setenv("DCN_PASSPHRASE_FILE", str(_phrase(tmp_path / "other", "not this one, no")))
    assert dcn("keys", "show", "--home", home.path).err.startswith("PASSPHRASE_WRONG")


def test_a_passphrase_is_asked_for_twice_at_the_terminal(
    dcn: Dcn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter([PASSPHRASE, PASSPHRASE, PASSPHRASE, "another one, not that"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    home = Home(tmp_path / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.passphrase._at_terminal", lambda: True)
        made = dcn("init", "--home", home.path, "--lei", LEI, "--role", "observer", "--seal")
        assert made.code == 0, made
        assert unseal(home.keys_file.read_bytes(), PASSPHRASE)
        other = dcn("init", "--home", tmp_path / "b", "--lei", LEI, "--seal")
        assert other.err.startswith("PASSPHRASE_MISSING: the two entries differ")
    assert not (tmp_path / "b").exists()
    asked = dcn("init", "--home", tmp_path / "c", "--lei", LEI, "--seal")
    assert asked.err.startswith("PASSPHRASE_MISSING: no passphrase for the keys, and no terminal")


def test_a_systemd_credential_opens_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, keys = Home(tmp_path / "home"), Keys.fresh()
    home.make("", keys, PASSPHRASE)
    _phrase(tmp_path / "dcn.passphrase")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert home.keys() == keys


def test_plain_keys_are_sealed_and_taken_out_again(
    dcn: Dcn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, phrase = Home(tmp_path / "home"), _phrase(tmp_path / "phrase")
    assert dcn("init", "--home", home.path, "--lei", LEI).code == 0
    keys = home.keys()
    assert dcn("keys", "encrypt", "--home", home.path, "--passphrase-file", phrase).code == 0
    assert keys.trade.hex().encode() not in home.keys_file.read_bytes()
    monkeypatch.setenv("DCN_PASSPHRASE_FILE", str(phrase))
    assert home.keys() == keys
    other = _phrase(tmp_path / "other", "another passphrase")
    assert dcn("keys", "encrypt", "--home", home.path, "--passphrase-file", other).code == 0
    assert dcn("keys", "show", "--home", home.path).err.startswith("PASSPHRASE_WRONG")
    monkeypatch.setenv("DCN_PASSPHRASE_FILE", str(other))
    assert dcn("keys", "decrypt", "--home", home.path, "--json").json()["sealed"] is False
    monkeypatch.delenv("DCN_PASSPHRASE_FILE")
    assert home.keys() == keys


def test_what_is_made_from_sealed_keys_is_sealed_too(
    filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dcn: Dcn
) -> None:
    home = copied(filled_home, tmp_path / "home")
    keys = home.keys()
    home.write_keys(keys, PASSPHRASE)
    phrase = _phrase(tmp_path / "phrase")
    monkeypatch.setenv("DCN_PASSPHRASE_FILE", str(phrase))
    seed = next_key(home, "trade").seed
    assert seed.hex().encode() not in (home.path / "keys.next.json").read_bytes()
    assert next_key(home, "trade").seed == seed
    refused = dcn("keys", "encrypt", "--home", home.path, "--passphrase-file", phrase)
    assert refused.err.startswith("KEY_ROTATION_UNDER_WAY")
    signer = SignerHome(tmp_path / "signer")
    public = signer.take_from(home)
    assert keys.consensus is not None
    assert keys.consensus.hex().encode() not in signer.key_file.read_bytes()
    assert signer.signer().validator == public
    assert home.sealed
    assert home.keys() == keys.without_consensus()
