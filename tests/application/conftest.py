"""The catalogue over every contract that this checkout has."""

import importlib
import importlib.util
import pathlib

import pytest

import denghuo.service
from denghuo.application.api import ApplicationApi
from denghuo.application.menus.catalogue import Catalogue
from denghuo.kernel.contract import Api


def contracts() -> list[type[Api]]:
    """Every contract of the product: services, application, access."""
    found: list[type[Api]] = [ApplicationApi]
    services = sorted(path.name for path in pathlib.Path(denghuo.service.__path__[0]).iterdir() if path.is_dir())
    for package in [*(f"denghuo.service.{name}" for name in services), "denghuo.access"]:
        if importlib.util.find_spec(package) and importlib.util.find_spec(f"{package}.api"):
            module = importlib.import_module(f"{package}.api")
            noun = package.rpartition(".")[2]
            found.append(getattr(module, f"{noun.capitalize()}Api"))
    return found


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue(contracts())
