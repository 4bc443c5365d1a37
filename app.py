"""The Space's entry point."""

from mini_xception.demo import launch

if __name__ == "__main__":
    launch()
