"""Acquisition (电能信息采集): what meters and terminals say, taken over frame by frame. It owns the protocols of the field."""
