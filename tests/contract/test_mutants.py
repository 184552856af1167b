"""Whether the provider contract notices what it is for: each planted fault must fail exactly the tests that name it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).with_name("mutants.py")
OPTIONS = [
    "-o",
    "addopts=--import-mode=importlib",
    "--stores=sqlite",
    *(part for name in ("terminal", "cacheprovider", "xdist") for part in ("-p", f"no:{name}")),
]


def _mutants() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("mutants", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: found for name, found in vars(module).items() if name.startswith("Test")}


MUTANTS = _mutants()
STRIDE = 9


class Noticing:
    """Remembers which tests failed."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self.passed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2].partition("[")[0].removeprefix("test_")
        if report.failed:
            self.failed.add(name)
        elif report.when == "call":
            self.passed.add(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_fault_is_noticed_by_the_tests_that_name_it_and_no_other(name: str) -> None:
    mutant, noticing = MUTANTS[name], Noticing()
    wanted = {f"test_{noticed}" for noticed in mutant.noticed} | some_others(name)
    pytest.main([*OPTIONS, *(f"{FILE}::{name}::{test}" for test in sorted(wanted))], plugins=[noticing])
    assert noticing.failed == set(mutant.noticed)
    assert noticing.passed


def some_others(name: str) -> set[str]:
    """Each mutant goes through a part of the other tests, all together through all of them; MUTANTS=all takes every one each time."""
    tests = sorted(test for test in dir(MUTANTS[name]) if test.startswith("test_"))
    if os.environ.get("MUTANTS") == "all":
        return set(tests)
    return set(tests[sorted(MUTANTS).index(name) % STRIDE :: STRIDE])
