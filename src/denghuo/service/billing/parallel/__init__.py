"""The parallel run of a migration (双轨对账): old bills beside ours, and what each difference comes from.

`lines` compares bills line by line, `whole` rates our bill again with what the old one says, `judge` makes the verdict: pure, all
three. `desk` takes old bills, walks through them and answers.
"""
