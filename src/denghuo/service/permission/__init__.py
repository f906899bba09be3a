"""Permission (权限管理): who works where and may do what; owns organisations, staff, roles and appointments to posts."""
