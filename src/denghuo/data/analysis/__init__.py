"""Analysis domain (数据分析域): the day lake of curves and registers."""
