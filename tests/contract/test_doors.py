"""The import rule "services meet only in their api" is seen to find what breaks it, and holds in the tree as it stands."""

import configparser
import pathlib

import grimp
import pytest
from tests.contract.doors import DoorContract

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def contract() -> DoorContract:
    """The rule as importlinter.ini states it."""
    ini = configparser.ConfigParser()
    ini.read(ROOT / "importlinter.ini", "utf-8")
    stated = dict(ini["importlinter:contract:independent"])
    assert stated["type"] == "door"
    options = {**stated, "allowed_importers": stated["allowed_importers"].split()}
    return DoorContract(name=stated["name"], session_options={"root_packages": ["denghuo"]}, contract_options=options)


@pytest.fixture(scope="module")
def tree() -> grimp.ImportGraph:
    return grimp.build_graph("denghuo", cache_dir=None)


def found(contract: DoorContract, graph: grimp.ImportGraph, importer: str, imported: str) -> list[tuple[str, str]]:
    """What the rule says when one import more stands in the tree."""
    with_one_more = grimp.ImportGraph()
    for module in {*graph.modules, importer, imported}:
        with_one_more.add_module(module)
    for module in graph.modules:
        for target in graph.find_modules_directly_imported_by(module):
            with_one_more.add_import(importer=module, imported=target)
    with_one_more.add_import(importer=importer, imported=imported, line_number=1, line_contents="import")
    check = contract.check(with_one_more, verbose=False)
    assert check.kept is not bool(check.metadata["found"])
    return [(source, target) for source, target, _ in check.metadata["found"]]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("denghuo.service.billing.cycle", "denghuo.service.tariff.store"),
        ("denghuo.service.billing.rules.rating", "denghuo.service.tariff.rules.clock"),
        ("denghuo.service.payment.bank", "denghuo.service.ledger"),
        ("denghuo.service.contract.api", "denghuo.service.customer.rules"),
        ("denghuo.service.reading.batch.run", "denghuo.service.point.store.points"),
        # A name that only begins like the door, and a package whose name only begins like the own one.
        ("denghuo.service.point.service", "denghuo.service.asset.apiary"),
        ("denghuo.service.pointing", "denghuo.service.point.rules"),
        ("denghuo.access.module", "denghuo.service.permission.store"),
        ("denghuo.application.service", "denghuo.service.billing.paper"),
        ("denghuo.importer.run", "denghuo.service.customer.service"),
        ("denghuo.service.host.relay", "denghuo.service.notice.listen"),
    ],
)
def test_going_past_a_door_is_found(
    contract: DoorContract, tree: grimp.ImportGraph, importer: str, imported: str
) -> None:
    assert found(contract, tree, importer, imported) == [(importer, imported)]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("denghuo.service.billing.cycle", "denghuo.service.tariff.api"),
        ("denghuo.service.billing.cycle", "denghuo.service.reading.api.month"),
        ("denghuo.service.billing.cycle", "denghuo.service.billing.store"),
        ("denghuo.service.billing.cycle", "denghuo.service.host.binding"),
        ("denghuo.main.composition", "denghuo.service.billing.service"),
    ],
)
def test_a_door_the_own_package_and_the_composition_root_are_open(
    contract: DoorContract, tree: grimp.ImportGraph, importer: str, imported: str
) -> None:
    assert found(contract, tree, importer, imported) == []
