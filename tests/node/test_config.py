"""Configuration: unknown keys are errors, the environment overrides, nonsense is named."""

import tomllib
from pathlib import Path

import pytest

from node.config import BadConfig, Config, load_config

GOOD = """
lei = "X"
[network]
listen = "/ip4/127.0.0.1/tcp/7001"
[network.peers]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_defaults_fill_what_is_left_out(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, GOOD), {})
    assert (config.api.host, config.api.port) == ("127.0.0.1", 8001)


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, GOOD), {"DCN_API_PORT": "9000", "DCN_LOG_LEVEL": "debug"}
    )
    assert (config.api.port, config.log.level) == (9000, "debug")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + "[api]\nprot = 1\n", "prot"),
        (GOOD + "[apii]\n", "apii"),
        (GOOD.replace('lei = "X"', ""), "lei"),
        (GOOD + "[api]\nport = 'x'\n", "port"),
        (GOOD + "[api]\nport = 70000\n", "70000"),
        (GOOD + "[api]\nhost = '0.0.0.0'\n", "API_NEEDS_TLS"),
        (GOOD + "[api]\nhost = '0.0.0.0'\ntls_cert = 'a'\n", "go together"),
        (GOOD + "[api]\nclient_ca = 'a'\n", "needs api.tls_cert"),
        (GOOD + "[api]\nrequests_per_s = 0\n", "requests_per_s"),
        (GOOD + "[consensus]\nblock_interval_ms = 0\n", "block_interval_ms"),
        (GOOD + "[log]\nlevel = 'loud'\n", "loud"),
        (GOOD + "[log]\nformat = 'xml'\n", "xml"),
        ("lei = ", "Invalid"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadConfig, match=named):
        load_config(written(tmp_path, text), {})


def test_a_bad_override_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="DCN_API_PORT"):
        load_config(written(tmp_path, GOOD), {"DCN_API_PORT": "many"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="there is no file"):
        load_config(tmp_path / "none.toml", {})


def test_the_documented_configuration_has_every_key_with_its_default() -> None:
    path = Path(__file__).resolve().parents[2] / "configs" / "node.toml"
    documented = load_config(path, {})
    defaults = Config(lei=documented.lei, network=documented.network)
    assert documented == defaults
    raw = tomllib.loads(path.read_text())
    for section in ("api", "consensus", "trades", "store", "upgrade", "log"):
        kind = type(getattr(documented, section))
        assert set(raw[section]) == set(kind.__struct_fields__)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("[api]\nport = 70000\n", "config.toml:7: api.port"),
        ("[api]\nprot = 1\n", "config.toml:7: "),
        ("[api]\nport = 'x'\n", "config.toml:7: "),
        ("\n# [log]\n[log] # here\n level  = 'loud'\n", "config.toml:9: log.level"),
        ("[store]\nretain_blocks = 5\nsnapshot_every = 0\n", "config.toml:7: store.retain"),
        ("[apii]\n", "config.toml:6: "),
        ("[store]\ntrust = '7'\n", "config.toml:7: store.trust"),
        ("[store]\ntrust = '7:abcd'\n", "config.toml:7: store.trust"),
        ("[upgrade]\nheight = 7\n", "config.toml:7: upgrade.height"),
        ("[upgrade]\nheight = 7\nversion = 'next'\n", "config.toml:8: upgrade.version"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, more: str, place: str) -> None:
    with pytest.raises(BadConfig) as told:
        load_config(written(tmp_path, GOOD + more), {})
    assert place in told.value.detail


def test_a_mistake_of_the_environment_is_named_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"DCN_API_PORT: api\.port is 0"):
        load_config(written(tmp_path, GOOD + "[api]\nport = 8001\n"), {"DCN_API_PORT": "0"})
