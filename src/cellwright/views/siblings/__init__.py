"""Siblings at risk: who shares what with one bad unit, from the narrowest cause to the widest."""
