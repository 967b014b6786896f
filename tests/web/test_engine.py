import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("make_models.py")


def test_the_pages_engine_answers_like_python_for_200_random_models(run_node, tmp_path):
    # In a process of its own: in this one every array's shape is checked, which is slow for so many small models.
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), "200"], check=True)
    run_node("engine.test.mjs", MODELS=str(tmp_path), PATH=os.environ["PATH"])
