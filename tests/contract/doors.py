"""An import rule of our own for import-linter: packages of one container meet only at a door (importlinter.ini, rule 2)."""

from typing import Any, cast

import grimp
from importlinter import Contract, ContractCheck, fields, output


class DoorContract(Contract):
    """A module inside a package of the container, other than its door and what is inside the door, is imported only from inside
    the same package or by the allowed importers.

    A package of the container without a door is no party to the rule: everyone may use it. So packages are never listed.

    Configuration options:
        - container:         The package whose direct subpackages meet only at their doors.
        - door:              The name of the module that others may import.
        - allowed_importers: Packages that may import everything, as the composition root does.
    """

    type_name = "door"

    container = fields.ModuleField()
    door = fields.StringField()
    allowed_importers = fields.SetField(subfield=fields.ModuleField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        allowed = {module.name for module in cast(Any, self.allowed_importers) or ()}
        found = [
            (importer, module, graph.get_import_details(importer=importer, imported=module))
            for package in sorted(graph.find_children(cast(Any, self.container).name))
            if (door := f"{package}.{self.door}") in graph.modules
            for module in sorted({package, *graph.find_descendants(package)})
            if not _inside(module, {door})
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not _inside(importer, {package, *allowed})
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, module, details in check.metadata["found"]:
            lines = ", ".join(str(detail["line_number"]) for detail in details)
            output.print_error(f"- {importer} -> {module} (l.{lines}): import its {self.door} instead", bold=False)
        output.new_line()


def _inside(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
