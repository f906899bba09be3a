"""Assets (资产管理): electricity meters and where each has been; owns the meter archive and the custody of every meter."""
