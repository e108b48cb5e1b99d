# First stage: the wheel, and an environment with it and nothing else, not even pip.
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY mockserver ./mockserver
COPY fixtures ./fixtures
COPY docs ./docs
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel . \
 && python -m venv --without-pip /opt/mockserver \
 && pip --python /opt/mockserver/bin/python install --no-cache-dir --compile /wheel/*.whl

# Second stage: what runs. Same base, so the environment finds its Python where it left it.
FROM python:3.13-slim
COPY --from=build /opt/mockserver /opt/mockserver
RUN useradd --system --uid 10001 --create-home mockserver \
 && install --directory --owner=mockserver /var/cache/mockserver
ENV PATH=/opt/mockserver/bin:$PATH \
    LABELBOX_MOCKSERVER_CACHE=/var/cache/mockserver \
    PYTHONUNBUFFERED=1

# By number, so that a cluster which insists on non-root users can tell.
USER 10001
WORKDIR /home/mockserver

# The default world is made now, not at each start.
RUN ["mockserver", "prepare"]

EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=2s --start-period=10s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/_mock/health', timeout=1)"]
ENTRYPOINT ["mockserver"]
CMD ["serve", "--host", "0.0.0.0"]
