"""Application module (应用模块): pages as data, the components that show them, the menus and channels that carry them."""
