"""`python -m denghuo`: the command line."""

from denghuo.main import main

main(prog_name="denghuo")
