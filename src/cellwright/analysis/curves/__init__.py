"""Curves of charge and discharge: their features, faults of contact, outliers of a family, and early life."""
