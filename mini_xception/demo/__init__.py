"""The web page, with one module per tab. It is built on the package's public API.

``launch`` serves the page; ``mount`` adds it to a FastAPI app.
"""

from mini_xception.demo.page import launch as launch
from mini_xception.demo.page import mount as mount
