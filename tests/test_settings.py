"""Settings merge in order, know their origin, hide secrets and refuse what they do not know."""

import pathlib

import pytest

from denghuo.settings import SettingRefused, load


def test_later_sources_win_and_origins_are_kept(tmp_path: pathlib.Path) -> None:
    (tmp_path / "denghuo.toml").write_text('port = 9000\nhost = "127.0.0.2"\ndsn = "password=hidden"\n')
    loaded = load(None, {"DENGHUO_PORT": "9001", "OTHER": "x"}, {"data": str(tmp_path)})
    assert (loaded.settings.port, loaded.settings.host) == (9001, "127.0.0.2")
    assert loaded.origin["port"] == "environment"
    assert loaded.origin["data"] == "command line"
    assert loaded.origin["host"].startswith("file ")
    assert "hidden" not in str(loaded.rows())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prot = 1", "port"),
        ('port = "x"', "port"),
        ("port = 0", "port"),
        ('sign_in_rate = "often"', "sign_in_rate"),
        ('mqtt_broker = "127.0.0.1:1883"', "mqtt_broker"),
        ('mqtt_broker = "mqtt://user@host"', "mqtt_broker"),
        ('mqtt_broker = "mqtt://host:99999"', "mqtt_broker"),
        ('mqtt_ca = "nowhere.pem"', "mqtt_ca"),
        ("= broken", "TOML"),
    ],
)
def test_wrong_settings_are_named(tmp_path: pathlib.Path, content: str, said: str) -> None:
    (tmp_path / "denghuo.toml").write_text(content)
    with pytest.raises(SettingRefused) as raised:
        load(None, {}, {"data": str(tmp_path)})
    assert said in raised.value.detail["en"] and said in raised.value.detail["zh"]


def test_named_file_must_exist(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SettingRefused, match="not found"):
        load(tmp_path / "missing.toml", {}, {})
