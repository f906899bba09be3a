"""Queries on the payment schema: payments and days, bank files, direct debit, online orders."""
