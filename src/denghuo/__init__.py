"""Denghuo (灯火): the open platform on which a power utility runs its whole customer business."""
