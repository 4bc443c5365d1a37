from mini_xception.cli import run_process

run_process()
