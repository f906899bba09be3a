"""What the tests of billing share: counties that are made once for the tests of a file."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Mapping

import pytest
from tests.service.billing.county import County, Prepare, Prepared, prepared

from denghuo.kernel.contract import Api
from denghuo.service.host.binding import Implementation


@pytest.fixture(scope="module")
def prepare(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepare]:
    """`prepare(make, changes)` gives a county as `make` made it, of an empty one or `of` another; each test takes a copy of it."""
    with contextlib.ExitStack() as kept:

        def made(
            make: Callable[[County], None],
            changes: Mapping[type[Api], Implementation] | None = None,
            of: Prepared | None = None,
        ) -> Prepared:
            folder = tmp_path_factory.mktemp("prepared")
            return kept.enter_context(prepared(postgres_dsn, template, folder, make, changes, of))

        yield made


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, prepared_county: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    """A copy of the county that the file prepares, asked through both bindings."""
    with prepared_county.copy(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def quick(prepared_county: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    """The same for what no binding changes: asked in this process alone."""
    with prepared_county.copy("local", tmp_path) as made:
        yield made


@pytest.fixture(params=["local", "remote"])
def billed(request: pytest.FixtureRequest, billed_county: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    """A copy of the county whose month the file ran to its end, asked through both bindings."""
    with billed_county.copy(request.param, tmp_path) as made:
        yield made
