"""Micro-apps and menus (微应用与菜单): the folders under `apps`, checked against the contracts, and what of them a caller gets."""
