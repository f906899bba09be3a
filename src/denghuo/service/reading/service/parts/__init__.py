"""The parts of the service, by subject as its contract is put together."""
