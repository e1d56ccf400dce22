# One image for `campaigns api`, `campaigns worker` and `campaigns migrate`.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY app ./app
COPY migrations ./migrations
COPY alembic.ini ./
# Editable, so that the package finds `migrations/` and `alembic.ini` beside it, as in a checkout.
RUN /venv/bin/pip install --no-cache-dir -c requirements.lock -e .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home campaigns
COPY --from=build /venv /venv
COPY --from=build /src /src
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
USER campaigns
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["campaigns", "api", "--host", "0.0.0.0"]
