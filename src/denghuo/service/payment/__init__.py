"""Payment (电费收缴管理): takes money at the counter, from banks and online; owns payments, receipts, orders and day-end closes."""
