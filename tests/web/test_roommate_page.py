import os


def test_the_pages_kitchens_are_exact_and_its_lessons_succeed(run_node):
    run_node("roommate.test.mjs", PATH=os.environ["PATH"])
