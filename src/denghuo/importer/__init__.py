"""The public import (数据导入): takes a folder of files over into the services, in the order in which one needs another.

Stands beside main above the services: it reads with the data layer and hands on through the services' contracts.
"""

from denghuo.importer.report import Report, TableReport
from denghuo.importer.run import NothingToImport, take_over

__all__ = ["NothingToImport", "Report", "TableReport", "take_over"]
