"""The page language (页面规格): its model, its conditions, checking before publication, pruning before sending."""

from denghuo.application.spec.check import Finding, check
from denghuo.application.spec.contracts import Contracts, OperationContract
from denghuo.application.spec.page import PageSpec, page_json
from denghuo.application.spec.prune import prune

__all__ = ["Contracts", "Finding", "OperationContract", "PageSpec", "check", "page_json", "prune"]
