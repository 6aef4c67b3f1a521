"""Would the tests notice? Sampled mutants of the code that decides, each run against its tests."""
