"""Protocols (通信规约) of meters and terminals as pure functions: bytes in, typed messages out, and back.

Nothing here reads a clock, a socket or a table of the database. One package per protocol; each offers

    decode(raw)       one whole frame as a typed message, or BadFrame
    encode(...)       the frame back
    explain(raw)      every field with its place in the bytes, for a reader (报文解析)
    FRAMING           how the stream reader finds its frames (`stream.Reader`)

A value that the meter does not have (FF, EE, NULL) is None, never zero. Numbers are whole counts of a decimal place
(`Number`), never floats, except where the protocol itself carries one.
"""
