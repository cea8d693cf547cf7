"""The record that an authority keeps of its people's looks: made before the answer is given."""
