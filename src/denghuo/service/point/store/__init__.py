"""Queries on the point schema: the network, and the points with their installations."""
