"""Special terms of a contract (专用条款) as rating takes them over the days of a bill. Pure.

`said` reads them and tells what of them makes stages, `days` counts the days, `losses` tells what is lost before the meters,
`others` what other accounts used that count with this one, and `filled` gives rating what it needs of all that.
"""
