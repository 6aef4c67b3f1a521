"""Front desks that take bookings, each a process with a package and a database of its own.

The modules that a desk runs (all but ``house`` and ``environments``) import nothing but Django and
the package that the desk is for, because each runs in an environment that has nothing else.
"""
