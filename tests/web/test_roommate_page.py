import os

import pytest


def test_the_pages_kitchens_are_exact_and_its_lessons_succeed(run_node):
    run_node("roommate.test.mjs", PATH=os.environ["PATH"], SEEDS="1")


@pytest.mark.proof
def test_ten_lessons_of_ten_find_the_rule(run_node):
    run_node("roommate.test.mjs", PATH=os.environ["PATH"], SEEDS="10")
