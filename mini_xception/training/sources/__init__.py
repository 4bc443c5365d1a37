"""Readers of labelled images: one module per form of data. To add a form, see ``read.py``."""
