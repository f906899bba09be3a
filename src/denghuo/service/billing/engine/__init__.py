"""The engine (计费引擎): a month's contracts rated by columns, the same fen as the rules.

gather: inputs from the datasets, contracts and their meters. plan: a tariff compiled for a month and voltage. figures: the
arithmetic, int64 only. contracts: both together over all contracts of a month. What the columns leave is rated by the rules,
contract by contract.

codes: columns by number. texts: decimals and JSON by columns. atoms: a month of curves by cells and bands. split: a register shared
over the bands by its curve.
"""

from denghuo.service.billing.engine.contracts import Banded, Contracts, Group, RatedGroup, RatedMonth, TariffOf
from denghuo.service.billing.engine.gather import metered

__all__ = ["Banded", "Contracts", "Group", "RatedGroup", "RatedMonth", "TariffOf", "metered"]
