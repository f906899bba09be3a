"""Edge (接入边界): everything that a request meets before an operation: limits, headers, cookies, page tokens, and its Call."""
