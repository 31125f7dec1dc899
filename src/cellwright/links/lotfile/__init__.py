"""Files of lots with their parents, as another system wrote them: read, ordered, cut into pages for the gate."""
