"""Cyclers that write a file for each test: what such a file holds, and the folder that they are taken from."""
