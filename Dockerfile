# One image for both processes: `stet serve` (the default) and `stet work`.
# The base is pinned by its tag. Where images are pinned by digest, add the digest of the
# tag as your registry serves it today: it cannot be known in advance here.
FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
# `telemetry` has what STET_SENTRY_DSN and STET_OTLP_ENDPOINT need besides.
ARG LOCK=server
COPY requirements/build.txt requirements/${LOCK}.txt requirements/
RUN python -m venv /opt/build && \
    /opt/build/bin/pip install --no-deps --only-binary :all: --require-hashes -r requirements/build.txt && \
    python -m venv /opt/stet && \
    /opt/stet/bin/pip install --no-deps --only-binary :all: --require-hashes -r "requirements/${LOCK}.txt"
COPY pyproject.toml README.md LICENSE ./
COPY rules/ rules/
COPY worker/ worker/
COPY bot/ bot/
COPY sandbox/ sandbox/
COPY demo/ demo/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . && \
    /opt/stet/bin/pip install --no-deps --no-index dist/*.whl

FROM python:3.12-slim-bookworm
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="Stet" \
      org.opencontainers.image.description="Reviews pull requests of Python backends" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /opt/stet /opt/stet
ENV PATH=/opt/stet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STET_HOST=0.0.0.0 \
    STET_LOG_FORMAT=json
# A number, so that a cluster can see that it is not root. No home, nothing of its own to write.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["stet"]
CMD ["serve"]
