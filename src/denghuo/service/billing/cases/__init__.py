"""Cases of back-billing and refund (退补): from what was found wrong to one adjustment bill, agreed to by two persons.

`basis`: a month as it stands and as it should be. `correct`: by what a case states. `segments`: the months of a case rated both
ways. `desk`: takes cases and carries out what was agreed. `show`: cases as they are read.
"""
