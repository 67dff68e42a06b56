"""How operations run: breadth first, a level of the answer at a time. README.md explains it in one page."""
