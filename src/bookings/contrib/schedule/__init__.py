"""Opening hours, closures and time off, and the slots that they leave."""
