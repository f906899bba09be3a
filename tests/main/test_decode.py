"""`denghuo decode` as a field technician uses it: bytes pasted from a log, the fields on the screen."""

from click.testing import CliRunner

from denghuo.main import main

READ = "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16"


def decode(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["decode", *words])
    return result.exit_code, result.output


def test_a_meters_answer_is_shown_field_by_field():
    code, said = decode("FE FE " + READ)
    assert code == 0
    assert "DL/T 645" in said
    assert "02010100 A相电压 phase A voltage" in said
    assert [line for line in said.splitlines() if "A相电压 phase A voltage" in line][-1].endswith("100.1 V")


def test_bytes_may_come_as_several_words_with_noise_around_them():
    code, said = decode("00", *READ.split(), "--protocol", "dlt645")
    assert code == 0
    assert "不属于报文" in said
    assert "100.1 V" in said


def test_damage_is_said_in_both_languages():
    code, said = decode(READ.replace("10 16", "11 16"))
    assert code == 2
    assert "第 16 字节：校验和不对，收到 11，应为 10" in said
    assert "byte 16: the checksum is wrong, found 11, expected 10" in said


def test_what_is_no_hexadecimal_is_refused():
    assert decode("hello")[0] == 2
    assert decode("681")[0] == 2
