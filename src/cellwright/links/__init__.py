"""Outside protocols; each link speaks one, and links never import each other."""
