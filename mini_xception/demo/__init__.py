"""The web page, one module per tab, built from the package's public API.

``launch`` serves the page; ``mount`` adds it to a FastAPI app.
"""

from mini_xception.demo.page import launch as launch
from mini_xception.demo.page import mount as mount
