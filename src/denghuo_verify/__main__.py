"""`python -m denghuo_verify`."""

import sys

from denghuo_verify.main import main

sys.exit(main())
