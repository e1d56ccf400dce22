"""What it adds up to. Reads only."""
