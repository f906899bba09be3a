"""Rules of customer records: check digits, and the text that a search looks into."""


def check_digit(digits: str) -> str:
    """The check digit of ISO 7064 MOD 11,10 (GB/T 17710) over a text of digits."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def has_valid_check_digit(account_no: str) -> bool:
    """Whether the last digit of an account number is the check digit of those before it."""
    return check_digit(account_no[:-1]) == account_no[-1]


def search_text(account_no: str, name: str, address: str, phone: str | None) -> str:
    """What a keyword is looked for in: number, name, full pinyin, initials, address, phone; lower case."""
    # Its table of phrases takes most of a second to load: commands that register nobody do without.
    from pypinyin import Style, lazy_pinyin

    syllables = "".join(lazy_pinyin(name))
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))
    return " ".join(part for part in (account_no, name, syllables, initials, address, phone or "") if part).lower()
