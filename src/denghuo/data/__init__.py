"""Data module (数据模块): processing (OLTP, unified access, journal), analysis (lake, warehouse), management."""
