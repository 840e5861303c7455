# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures for every test that boots something, and the counts that tools/run-tests adds up."""
import json
import os

import pytest

from machine import Machine


def pytest_addoption(parser):
    parser.addoption("--build", default="build", help="where make put everything")
    parser.addoption("--debug-kernel", action="store_true", help="boot the kernel that checks itself (make debug)")
    parser.addoption("--counts", help="file for the outcome of every test")


@pytest.fixture(scope="session")
def build(request):
    return os.path.abspath(request.config.getoption("--build"))


@pytest.fixture(scope="session")
def booter(build, request):
    """For fixtures that share one boot among many tests."""
    return Machine(build, request.config.getoption("--debug-kernel"))


@pytest.fixture
def machine(booter):
    """machine.run("commands"), machine.console(); what is still open is closed after the test."""
    yield booter
    booter.close_consoles()


# Files run beside each other, each on one of pytest-xdist's workers: what takes longest begins first.
LONGEST = ("test_vm.py", "test_vmm_on_linux.py", "test_attacks.py", "test_leaks.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


class Counts:
    def __init__(self, path):
        self.path, self.outcome = path, {}

    def pytest_runtest_logreport(self, report):
        before = self.outcome.get(report.nodeid)
        if report.failed or before == "failed":
            self.outcome[report.nodeid] = "failed"
        elif report.skipped or before == "skipped":
            self.outcome[report.nodeid] = "skipped"
        elif report.when == "call":
            self.outcome[report.nodeid] = "passed"

    def pytest_collectreport(self, report):
        if report.failed:
            self.outcome[report.nodeid] = "failed"
        elif report.skipped:
            self.outcome[report.nodeid] = "skipped"

    def pytest_sessionfinish(self):
        with open(self.path, "w") as f:
            json.dump(self.outcome, f)


def pytest_configure(config):
    path = config.getoption("--counts")
    if path and not hasattr(config, "workerinput"):  # the workers' reports come to one place
        config.pluginmanager.register(Counts(path))
