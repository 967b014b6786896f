import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def test_the_pages_engine_answers_like_python_for_200_random_models(run_node, tmp_path):
    # In a process of its own: in this one every array's shape is checked, which is slow for so many small models.
    subprocess.run([sys.executable, str(FOLDER / "make_models.py"), str(tmp_path), "200"], check=True)
    run_node("engine.test.mjs", MODELS=str(tmp_path), PATH=os.environ["PATH"])


def test_the_page_answers_like_python_for_200_random_models_of_all_jobs(run_node, tmp_path):
    subprocess.run([sys.executable, str(FOLDER / "make_jobs.py"), str(tmp_path), "200"], check=True)
    run_node("jobs.test.mjs", MODELS=str(tmp_path), PATH=os.environ["PATH"])


def test_the_pages_keyboard_offers_and_corrects_like_python(run_node, tmp_path):
    subprocess.run([sys.executable, str(FOLDER / "make_keyboard.py"), str(tmp_path)], check=True)
    run_node("keyboard.test.mjs", MODELS=str(tmp_path), PATH=os.environ["PATH"])
