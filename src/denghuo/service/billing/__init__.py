"""Billing (核算管理): turns a month's quantities and prices into explained bills; owns the cycle, bills, lines and exceptions."""
