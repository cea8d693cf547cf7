"""What two nodes must agree on byte for byte."""
