"""`denghuo urdb`: a United States rate becomes tariff files that can be tried; what cannot be said is refused by name."""

import json
import pathlib

from click.testing import CliRunner, Result

from denghuo.main import main
from denghuo.service.tariff.rules import read_text

RATES = pathlib.Path(__file__).parents[1] / "service" / "tariff" / "urdb" / "rates.json"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_rate_becomes_tariff_files_that_can_be_tried(tmp_path: pathlib.Path) -> None:
    rate = tmp_path / "rate.json"
    rate.write_text(json.dumps(json.loads(RATES.read_text("utf-8"))["PGE_A-1_TOU"]), "utf-8")
    done = run("urdb", str(rate), str(tmp_path / "out"), "--start", "2020-06-01", "--end", "2021-01-01")
    assert done.exit_code == 0, done.output
    files = [pathlib.Path(line) for line in done.output.splitlines()]
    assert [read_text(one.read_text("utf-8")).effective_from.month for one in files] == [6, 11]
    tried = run("--data", str(tmp_path / "data"), "trial", str(files[0]), "month=2020-07", "voltage=0.38",
                "peak_kwh=100", "flat_kwh=100", "valley_kwh=100")  # fmt: skip
    assert tried.exit_code == 0, tried.output


def test_what_the_model_cannot_say_is_refused_and_nothing_is_written(tmp_path: pathlib.Path) -> None:
    rate = tmp_path / "rate.json"
    rate.write_text(json.dumps(json.loads(RATES.read_text("utf-8"))["PGE_B-19"] | {"mincharge": 5}), "utf-8")
    done = run("urdb", str(rate), str(tmp_path / "out"))
    assert done.exit_code == 2 and "/mincharge" in done.output and not (tmp_path / "out").exists()
