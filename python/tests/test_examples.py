# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The examples of the documentation run, on the emulated kernel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest

from headers import TOP


def run(arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-W", "error", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LIBIOMMUFD_EMU": "1", **environment})


class EduDmaTest(unittest.TestCase):
    program = os.path.join(TOP, "doc/examples/edu-dma.py")

    def test_does_all_steps(self) -> None:
        done = run([self.program])
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        steps = [line.split()[0] for line in done.stdout.splitlines() if line[0] != " "]
        self.assertEqual(steps, ["context", "device", "BAR", "map", "attach", "map", "DMA", "DMA",
                                 "compare", "unmap", "DMA", "detach", "done"])
        for part in ("emulated", "0000:00:03.0", "0x1000000 (chosen here)", "0x10000ed",
                     "all 4088 bytes are equal", "memory is unchanged"):
            self.assertIn(part, done.stdout)

    def test_runs_on_every_backend(self) -> None:
        backends = {"newest": ("cdev+iommufd", "group+iommufd", "group+type1"),
                    "newest,noiommu": ("cdev+noiommu", "group+noiommu"),
                    "5.10": ("group+type1",), "5.10,noiommu": ("group+noiommu",)}
        for kernel, names in backends.items():
            for name in names:
                with self.subTest(kernel=kernel, backend=name):
                    done = run([self.program], LIBIOMMUFD_EMU=kernel, LIBIOMMUFD_BACKEND=name)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                    for part in (f"using emulated {name}", f"using {name.split('+')[0]}",
                                 "all 4088 bytes are equal",
                                 "no IOMMU would" if "noiommu" in kernel else "is unchanged"):
                        self.assertIn(part, done.stdout)

    def test_takes_a_device(self) -> None:
        done = run([self.program, "0000:00:04.0"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0000:00:04.0", done.stdout)
        done = run([self.program], LIBIOMMUFD_TEST_DEVICES="0000:01:01.0 0000:01:02.0")
        self.assertIn("0000:01:01.0", done.stdout)

    def test_says_what_helps(self) -> None:
        done = run([self.program, "0000:7f:1f.7"])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^edu-dma: .*0000:7f:1f\.7.*\[ENOENT\]; .+\n$")


class VmmTest(unittest.TestCase):
    program = os.path.join(TOP, "doc/examples/vmm.py")

    def test_does_all_steps(self) -> None:
        done = run([self.program])
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        steps = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertEqual(sorted(set(steps), key=steps.index),
                         ["map", "attach", "pasid", "faults", "round", "stop", "compare"])
        for part in ("is the host's 256", "16 answered with success, 2 as invalid",
                     "all 256 pages are equal"):
            self.assertIn(part, done.stdout)


class HwInfoTest(unittest.TestCase):
    program = os.path.join(os.environ.get("top_builddir", "."), "doc/examples/hwinfo")

    def run_on(self, backend: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "LIBIOMMUFD_EMU": "1",
                                              "LIBIOMMUFD_BACKEND": backend})

    def test_prints_fields(self) -> None:
        done = self.run_on("cdev+iommufd")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertTrue(done.stdout.startswith("an IOMMU: Intel VT-d\nno PASIDs\n"), done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ecap  47:47 FLTS +0 +first-stage translation")
        self.assertRegex(done.stdout, r"(?m)^cap   21:16 MGAW +0x26 ")

    def test_says_why_not(self) -> None:
        done = self.run_on("group+type1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^hwinfo: .+; .+\n$")


class ReadmeTest(unittest.TestCase):
    def test_programs_run(self) -> None:
        for name in "README.md", "python/README.md":
            with open(os.path.join(TOP, name)) as file:
                programs = re.findall(r"```python\n(.*?)```", file.read(), flags=re.S)
            self.assertGreater(len(programs), 0, name)
            for program in programs:
                with self.subTest(program):
                    done = run(["-c", program])
                    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
