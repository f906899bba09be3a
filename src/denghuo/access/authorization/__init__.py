"""Authorization (授权): what the holder of a session may do at this moment."""
