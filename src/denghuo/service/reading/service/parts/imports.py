"""Files of readings taken over, and the mappings by which their names are ours."""

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.service.reading.api import (
    MARKED_REGISTER_INTAKE,
    REGISTER_INTAKE,
    AdvanceImport,
    BeginImport,
    DocumentPart,
    FindImportRefusals,
    FindImports,
    FindMappings,
    ImportAdvanced,
    ImportPartSent,
    ImportRef,
    ImportRefusalsAsked,
    ImportRefusalsFound,
    ImportsFound,
    Intake,
    MappingPreview,
    MappingRef,
    MappingsFound,
    MappingShown,
    PreviewMapping,
    ReadingsImport,
    Received,
    SaveMapping,
    SendImportPart,
)
from denghuo.service.reading.api.mapping import MappingOperations
from denghuo.service.reading.api.readings_import import ImportOperations
from denghuo.service.reading.service.import_forms import import_row, refusals_file, refusals_from
from denghuo.service.reading.service.imports import ImportDesk
from denghuo.service.reading.service.mappings import MappingDesk, preview
from denghuo.service.reading.service.parts.month import MonthPart
from denghuo.service.reading.store.imports import Imports

_REGISTERS = (REGISTER_INTAKE.name, MARKED_REGISTER_INTAKE.name)


class ImportPart(MonthPart, ImportOperations, MappingOperations):
    """Answers on imports and mappings; what they take in is taken in as by any other sender."""

    def _desk(self, call: Call) -> ImportDesk:
        return ImportDesk(self._work, call, self._receive_rows)

    def _receive_rows(self, call: Call, intake: Intake) -> Received:
        if intake.rows.name in _REGISTERS:
            return self.receive_registers(call, intake)
        return self.receive_curves(call, intake)

    def begin_import(self, call: Call, request: BeginImport) -> ReadingsImport:
        return self._desk(call).begin(request)

    def send_import_part(self, call: Call, request: SendImportPart) -> ImportPartSent:
        return self._desk(call).send(request)

    def stop_import(self, call: Call, request: ImportRef) -> ReadingsImport:
        return self._desk(call).stop(request.import_no)

    def resume_import(self, call: Call, request: ImportRef) -> ReadingsImport:
        return self._desk(call).resume(request.import_no)

    def advance_import(self, call: Call, request: AdvanceImport) -> ImportAdvanced:
        return self._desk(call).advance(request.import_no, request.epoch)

    def readings_import(self, call: Call, request: ImportRef) -> ReadingsImport:
        return self._desk(call).shown(request.import_no)

    def readings_imports(self, call: Call, request: FindImports) -> ImportsFound:
        rows, total = Imports(self._work).found(request.state, request.after_number, request.limit)
        following = str(rows[-1]["import_no"]) if len(rows) == request.limit else None
        return ImportsFound(rows=[import_row(row) for row in rows], total=total, next=following, as_of=call.now)

    def import_refusals(self, call: Call, request: FindImportRefusals) -> ImportRefusalsFound:
        self._desk(call).row(request.import_no)
        imports = Imports(self._work)
        rows, following = refusals_from(imports, request.import_no, request.after, request.limit)
        total = imports.refusal_count(request.import_no)
        return ImportRefusalsFound(rows=rows, total=total, next=following, as_of=call.now)

    def import_refusals_file(self, call: Call, request: ImportRefusalsAsked) -> DocumentPart:
        return refusals_file(Imports(self._work), self._desk(call).row(request.import_no), request.after)

    def mappings(self, call: Call, request: FindMappings) -> MappingsFound:
        return MappingDesk(self._work, call).found(request)

    def mapping(self, call: Call, request: MappingRef) -> MappingShown:
        return MappingDesk(self._work, call).shown(request)

    def mapping_file(self, call: Call, request: MappingRef) -> Document:
        return MappingDesk(self._work, call).file(request)

    def preview_mapping(self, call: Call, request: PreviewMapping) -> MappingPreview:
        return preview(request)

    def save_mapping(self, call: Call, request: SaveMapping) -> MappingShown:
        return MappingDesk(self._work, call).save(request)
