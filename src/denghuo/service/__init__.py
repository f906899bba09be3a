"""Service module (服务模块): the host, and one flat package per service; each owns one noun of the trade."""
