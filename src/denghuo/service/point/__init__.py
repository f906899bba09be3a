"""Metering points (计量点管理): where energy is measured and by which meter; owns points, installations and the network."""
