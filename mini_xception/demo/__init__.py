"""The web page: one module a tab, built from the package's public API alone."""

from mini_xception.demo.page import launch as launch
