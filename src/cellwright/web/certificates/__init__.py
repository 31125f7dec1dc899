"""Certificates on paper: HTML for every browser and printer, PDF where typst is installed."""
