"""Processes that take bookings, each with one booking package and a database made for it.

The modules that a worker runs (all but ``pool`` and ``environments``) import nothing but Django and
the package that the worker is for, because each runs in an environment that has nothing else.
"""
