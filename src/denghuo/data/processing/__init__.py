"""Processing domain (数据处理域): the business store, unified access to it, the journal, datasets and imports."""
