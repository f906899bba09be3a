"""Notice (消息通知): what customers and staff are told; owns messages, who read them, and the texts they are made of."""
