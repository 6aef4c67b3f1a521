"""The ledger: the only code that writes taken time. Internal."""
