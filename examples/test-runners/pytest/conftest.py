import sys

from spawnlock.pytest import server_fixture

api = server_fixture("api", command=[sys.executable, "-m", "uvicorn", "app:app", "--port", "{port}"], port="auto")
