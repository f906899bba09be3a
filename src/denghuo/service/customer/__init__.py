"""Customer records (客户档案管理): who is supplied, where, in which class; owns accounts and their personal data."""
