"""Speed, as ratios taken in one run: ``tox run -e bench``, or ``python -m tests.benchmarks``.

Never part of the suite, for a time means nothing on a busy machine; the number of statements is
tested there instead.
"""
