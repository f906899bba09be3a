"""Ledger (账务管理): double entry over what customers owe and pay; owns vouchers, entries, open items and prepaid balances."""
