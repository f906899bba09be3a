"""The front (前置): where terminals connect to over TCP, are logged in, watched, and asked for what is due."""
