"""Queries on the ledger's schema: books (vouchers and entries) and items (what accounts owe and pay)."""
