# The README's two commands in a container:
#   docker build -t apigen-nb .
#   docker run --rm -v "$PWD/outputs:/apigen-nb/outputs" apigen-nb make run
#   docker run --rm apigen-nb make test
#   docker run --rm -p 127.0.0.1:8888:8888 apigen-nb make lab OPTIONS="--no-browser --ip=0.0.0.0"

# What is not Python: make, and a browser for the browser tests. The devcontainer ends here.
FROM python:3.12-slim AS tools
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make git chromium fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

FROM tools
WORKDIR /apigen-nb
# Packages first: they change less often than the code, and stay in the cache.
COPY Makefile pyproject.toml constraints.txt README.md LICENSE ./
COPY apigen_nb/__init__.py apigen_nb/__init__.py
RUN make .venv/.test .venv/.tau2
COPY . .
# What is installed is up to date, whenever these files were checked out.
RUN make --touch .venv/.test .venv/.tau2
CMD ["make", "run"]
