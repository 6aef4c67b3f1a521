"""What is sent and received, one module for each resource."""
