"""Ready-made ``Service``, ``Provider`` and ``ServiceAddon``, for a host without models of its
own."""
