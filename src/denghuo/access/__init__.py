"""Access module (访问模块): who calls and what they may: authentication, authorization, monitoring (audit) and the edge.

It stands above the services and offers an `api.py` of the same form (noun `access`). A process that serves browsers hosts it
itself: sign-in is never called through a remote binding, because passwords and session secrets do not travel between processes.
"""
