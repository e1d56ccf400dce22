# One image for `campaigns api`, `campaigns worker`, `campaigns migrate` and the simulator.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml requirements.lock README.md LICENSE ./
# Editable, so that the package finds `migrations/` and `alembic.ini` beside it, as in a checkout; and before
# the code is copied, so that a change of it installs nothing anew.
RUN mkdir app && touch app/__init__.py && /venv/bin/pip install -c requirements.lock -e .
COPY app ./app
COPY migrations ./migrations
COPY alembic.ini ./
RUN /venv/bin/python -m compileall -q app migrations /venv/lib && /venv/bin/campaigns --version

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home campaigns
COPY --from=build /venv /venv
COPY --from=build /src /src
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
USER campaigns
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["campaigns", "api", "--host", "0.0.0.0"]
