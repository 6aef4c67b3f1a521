"""Ready-made ``Service``, ``Provider`` and ``ServiceAddon``, for a host without its own."""
