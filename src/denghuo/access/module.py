"""Composition of the access module: one call from the composition root binds the noun `access` and gives the edge."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from denghuo.access.api import AccessApi
from denghuo.access.authorization.rights import RightsDesk
from denghuo.access.edge.edge import Edge
from denghuo.access.edge.limits import EdgeRules
from denghuo.access.keys import Keys
from denghuo.access.service import AccessService, Means
from denghuo.service.host.binding import Directory, Local, Store
from denghuo.service.host.token import Signer


class Access:
    """What a process needs of access. Binds `AccessApi` in the directory; the schema `access` must be migrated before.

    `edge.caller` makes the Call of a request, `edge.secured` wraps the whole web application; neither works without the other.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        signer: Signer,
        clock: Callable[[], datetime],
        rules: EdgeRules | None = None,
    ) -> None:
        keys, desk = Keys(store.master_key), RightsDesk(directory)
        means = Means(store, keys, desk, directory.journaled)
        directory.bind(AccessApi, Local(store, partial(AccessService, means), directory))
        self.edge = Edge(store, desk, keys, signer, clock, rules or EdgeRules())
