# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Runs all tests of this folder, or those named, and says how many there were."""

from __future__ import annotations

import os
import sys
import unittest


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover(here)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"python: {result.testsRun} tests, {failed} failed, {len(result.skipped)} skipped")
    return 0 if result.testsRun and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
