"""Grading: self-discharge, resistance corrected for where it was measured, gauges, and limits of a lot."""
