"""Compute the slots that providers have free, and say why a start is not among them."""
