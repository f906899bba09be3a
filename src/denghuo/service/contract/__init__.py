"""Contracts (合同管理): supply and purchase contracts; owns their terms, dated from the day each takes effect."""
