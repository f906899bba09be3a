"""Trial bills: what was typed is rated as a bill is, and what does not fit is named field by field."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    settle_county,
    tariff,
)
from tests.service.billing.rules import make
from tests.service.bindings import NOW

from denghuo.kernel.values import decimal_text, round_half_up
from denghuo.service.billing.api import BillRef, CannotRate, NotTriable, StartCycle, Try
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.examples import subject_of as example_subject
from denghuo.service.billing.trial import subject_of, trial
from denghuo.service.tariff.api import DraftTariff, Example, TariffApi, TariffDocument, TariffRef
from denghuo.service.tariff.rules import file_text
from denghuo.service.tariff.shipped import published

RESIDENT = Supply(1, 1, daily(8))
TWO_PART = make.tariff(
    make.component("agency_energy", "0.4"),
    classes=["two_part_capacity"],
    voltages=["10"],
    basic={"by": "capacity", "prices": [{"price": "30"}], "document": make.DOCUMENT},
    agency_multiple={"cases": ["returned"], "document": make.DOCUMENT},
)
SHANGHAI = published("shanghai")
assert SHANGHAI is not None


def attempt(**changes: Any) -> Try:
    given = {"tariff_code": "test.resident", "month": MONTH, "voltage": "0.22", "readings": [{"value": "240"}]}
    return Try.model_validate(given | changes)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [RESIDENT])

    return prepare(make)


def faults(found: County, request: Try) -> dict[str, str]:
    with pytest.raises(NotTriable) as refused:
        found.billing.trial(ACCOUNTANT, request)
    return {one["field"]: one["en"] for one in refused.value.errors}


# --- through the service ---------------------------------------------------------------------------------------------------


def test_a_trial_is_the_bill_that_the_same_registers_make(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    bill = found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{RESIDENT.account_no}101"))
    tried = found.billing.trial(ACCOUNTANT, attempt(readings=[{"start": "1000", "end": "1240"}]))
    assert (tried.amount, tried.energy, tried.draft, tried.tariff_version) == (bill.amount, bill.energy, False, 1)
    assert [(line.code, line.tier, line.price, line.amount, line.arithmetic) for line in tried.lines] == [
        (line.code, line.tier, line.price, line.amount, line.arithmetic) for line in bill.lines
    ]
    assert "1240.00 - 1000.00 = 240 kWh" in tried.lines[0].sentence.en
    assert [str(one.end) for one in tried.lines[0].registers] == ["1240.00"]
    assert str(tried.average_price) == "0.6170"


def test_a_pasted_tariff_is_tried_and_stored_nowhere(found: County) -> None:
    file = found.ask(TariffApi).tariff_file(OPERATOR, TariffRef(code="test.business"))
    words = base64.b64decode(file.content).decode().replace("'0.7853'", "'0.9'")
    tried = found.billing.trial(ACCOUNTANT, attempt(tariff_code=None, tariff_text=words, voltage="0.38"))
    assert (str(tried.amount), tried.draft, tried.tariff_version) == ("216.00", True, 0)
    assert str(found.billing.trial(ACCOUNTANT, attempt(tariff_code="test.business")).amount) == "188.47"
    wrong = words.replace("'0.9'", "'-0.9'")
    assert "negative" in faults(found, attempt(tariff_code=None, tariff_text=wrong))["tariff_text"]
    assert "YAML" in faults(found, attempt(tariff_text="{{"))["tariff_text"]


def test_a_stored_draft_is_tried_by_its_version(found: County) -> None:
    dearer = tariff("test.business", "energy", "1", classes=["general_single_part"])
    drafted = found.ask(TariffApi).draft(OPERATOR, DraftTariff(document=dearer))
    tried = found.billing.trial(ACCOUNTANT, attempt(tariff_code="test.business", tariff_version=drafted.version))
    assert (str(tried.amount), tried.draft) == ("240.00", True)
    assert not found.billing.trial(ACCOUNTANT, attempt(tariff_code="test.business")).draft
    assert "no tariff" in faults(found, attempt(tariff_code="test.business", tariff_version=9))["tariff_version"]


def test_what_was_not_or_wrongly_chosen_is_named(found: County) -> None:
    assert "0.22, 0.38" in faults(found, attempt(voltage=None))["voltage"]
    assert "0.22, 0.38" in faults(found, attempt(voltage="110"))["voltage"]
    assert "resident" in faults(found, attempt(tariff_class="generation"))["tariff_class"]
    assert "Choose a tariff" in faults(found, attempt(tariff_code=None))["tariff_code"]
    assert "in force on 2020-01-01" in faults(found, attempt(month="2020-01"))["tariff_code"]
    assert set(faults(found, attempt(first_day="2026-03-31", last_day="2026-04-02"))) == {"first_day"}


def test_what_few_contracts_have_is_typed_and_tried(found: County) -> None:
    """Through both bindings: a transformer in two states, losses from the nameplate, and the agency price times 1.5."""
    from_day = {"transformer_no": "1", "capacity_kva": "1000"}
    tried = found.billing.trial(
        ACCOUNTANT,
        attempt(
            tariff_code=None,
            tariff_text=file_text(TWO_PART),
            voltage="10",
            readings=[{"value": "1000"}],
            agency_case="returned",
            transformers=[
                from_day | {"state": "running", "first_day": "2020-01-01", "last_day": "2026-04-15"},
                from_day | {"state": "paused", "first_day": "2026-04-16", "last_day": "2026-04-30"},
            ],
            losses=[{"transformer_no": "1", "way": "nameplate", "capacity_kva": "1000", "no_load_kw": "1"}],
        ),
    )
    # 15 days in operation: 1 kW x 360 h; 1360 kWh x 0.4 x 1.5; 1000 kVA x 30 yuan x 15/30, and nothing while it was paused.
    assert [str(line.amount) for line in tried.lines] == ["816.00", "15000.00", "0.00"]
    assert "1 kW × 360 h" in tried.lines[0].sentence.en and "150 %" in tried.lines[0].sentence.en


# --- what is typed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "field"),
    [
        ({}, "readings.0.value"),
        ({"start": "1"}, "readings.0.end"),
        ({"end": "1"}, "readings.0.start"),
        ({"start": "2", "end": "1"}, "readings.0.end"),
        ({"start": "100000", "end": "1", "digits": 5}, "readings.0.start"),
        ({"start": "1", "end": "2", "value": "1"}, "readings.0.value"),
        ({"value": "-1"}, "readings.0.value"),
    ],
)
def test_a_reading_that_says_too_little_or_too_much_is_named(reading: dict[str, str], field: str) -> None:
    with pytest.raises(NotTriable) as refused:
        subject_of(attempt(readings=[reading]), tariff("test.resident", "energy", "0.6"))
    assert [one["field"] for one in refused.value.errors] == [field]


def test_a_register_that_passed_zero_and_an_exchanged_meter_are_typed() -> None:
    rows = [
        {"start": "999990", "end": "10.5", "digits": 6, "multiplier": "60"},
        {"start": "0", "end": "30", "multiplier": "40", "meter_no": "2"},
    ]
    document = tariff("test.resident", "energy", "0.6")
    tried = trial(attempt(readings=rows), document, False, NOW)
    # (1,000,000 - 999,990 + 10.5) x 60 = 1230, and 30 x 40.
    assert (str(tried.energy), str(tried.amount)) == ("2430", "1458.00")
    assert "过零" in tried.lines[0].sentence.zh and "× 60 = 1230" in tried.lines[0].sentence.zh


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"free_months": 1}, "free_months"),
        ({"charging_station": True}, "charging_station"),
        ({"plant": {"capacity": "10", "connected_on": "2020-05-01"}}, "plant"),
        ({"losses": [{"transformer_no": "1", "way": "table"}]}, "loss_rows"),
        ({"losses": [{"transformer_no": "1", "way": "agreed"}]}, "losses.0.active_kwh"),
        ({"losses": [{"transformer_no": "1", "way": "nameplate", "no_load_kw": "-1"}]}, "losses.0.no_load_kw"),
        ({"transformers": [{"transformer_no": "1", "capacity_kva": "0", "first_day": "2026-01-01"}]},
         "transformers.0.capacity_kva"),
        ({"transformers": [{"transformer_no": "1", "capacity_kva": "5", "first_day": "2026-01-01"}] * 2},
         "transformers.1.first_day"),
        ({"transformers": [
            {"transformer_no": "1", "capacity_kva": "5", "first_day": "2026-01-02", "last_day": "2026-01-01"}
        ]}, "transformers.0.last_day"),
        ({"customer_capacity": "10"}, "customer_energy"),
    ],
)  # fmt: skip
def test_a_term_that_has_no_effect_or_contradicts_is_named(typed: dict[str, Any], field: str) -> None:
    with pytest.raises(NotTriable) as refused:
        subject_of(attempt(voltage="10", **typed), TWO_PART)
    assert [one["field"] for one in refused.value.errors] == [field]
    assert all(one["zh"] and one["en"] for one in refused.value.errors)


@given(st.integers(0, 10**9), st.integers(0, 10**7), st.integers(1, 5_000))
def test_registers_are_worth_their_difference_times_the_multiplier(start: int, used: int, multiplier: int) -> None:
    row = {
        "start": f"{start // 10_000}.{start % 10_000:04d}",
        "end": f"{(start + used) // 10_000}.{(start + used) % 10_000:04d}",
        "multiplier": str(multiplier),
    }
    [piece] = subject_of(attempt(readings=[row]), tariff("test.resident", "energy", "0.6")).pieces
    assert piece.value_milli == round_half_up(used * multiplier, 10)


def _typed(example: Example, document: TariffDocument) -> Try:
    """A published worked case as a clerk would type it."""
    subject = example_subject(example, document)
    units = {"demand": example.demand, "reactive_fwd": example.reactive}
    readings = [
        {"quantity": piece.quantity, "band": piece.band, "value": str(units.get(piece.quantity))}
        if piece.quantity in units
        else {"quantity": piece.quantity, "band": piece.band, "value": decimal_text(piece.value_milli, 3, 0)}
        for piece in subject.pieces
        if piece.value_milli is not None
    ]
    return Try(
        month=example.month,
        tariff_class=document.classes[0],
        settlement=document.settlements[0],
        voltage=example.voltage,
        readings=readings,
        used_before=example.used_before,
        capacity=example.capacity,
        contract_demand=example.contract_demand,
        standard=example.standard,
    )


CASES = [
    pytest.param(example, document, id=f"{document.code}-{number}")
    for document in SHANGHAI
    for number, example in enumerate(document.examples)
]


@pytest.mark.parametrize(("example", "document"), CASES)
def test_the_published_cases_typed_at_the_counter_come_out_right(example: Example, document: TariffDocument) -> None:
    tried = trial(_typed(example, document), document, False, NOW)
    assert tried.amount == example.total
    assert [line.amount for line in tried.lines] == [
        line.amount for line in rate(example_subject(example, document), document).lines
    ]


def test_what_the_tariff_gives_no_price_for_is_refused_as_a_bill_is() -> None:
    document = next(one for one in SHANGHAI if one.code == "sh.two_part.capacity")
    request = attempt(tariff_code=document.code, voltage="10", readings=[{"value": "100"}])
    with pytest.raises(CannotRate) as refused:
        trial(request, document, False, NOW)
    assert refused.value.fields["code"] == "no_terms"
