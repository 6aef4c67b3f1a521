"""Reports: rates, value, response times and utilisation, computed from what is stored."""
