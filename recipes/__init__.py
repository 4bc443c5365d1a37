"""Training of the bundled weights. README.md has the commands in their order."""
