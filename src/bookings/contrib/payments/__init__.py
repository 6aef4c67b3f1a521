"""What happened to the money of a booking, and what has to go back. It moves no money itself."""
