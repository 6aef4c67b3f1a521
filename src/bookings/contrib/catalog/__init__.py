"""Ready-made ``Service``, ``Provider`` and ``ServiceAddon`` models for a host without its own."""
