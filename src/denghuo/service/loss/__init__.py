"""Line loss (线损管理): supply minus sales of areas and feeders by month, and what is conspicuous; owns the results."""
