# First stage: an environment with the server and nothing else, not even pip.
FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv --without-pip /opt/mockserver
# The dependencies have a layer of their own: a change of the code does not download them again.
COPY pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > /requirements.txt \
 && pip --python /opt/mockserver/bin/python install --no-cache-dir --compile --requirement /requirements.txt
COPY README.md LICENSE CHANGELOG.md zensical.toml ./
COPY mockserver ./mockserver
COPY fixtures ./fixtures
COPY docs ./docs
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel . \
 && pip --python /opt/mockserver/bin/python install --no-cache-dir --no-deps --compile /wheel/*.whl

# Second stage: what runs. Same base, so the environment finds its Python where it left it.
FROM python:3.13-slim
LABEL org.opencontainers.image.title="labelbox-mockserver" \
      org.opencontainers.image.description="A self-hosted mock of Labelbox's export side, for tests and CI" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/labelbox-mockserver/labelbox-mockserver"
COPY --from=build /opt/mockserver /opt/mockserver
# Any user may start it, as OpenShift does; their group is always 0, so that group may write to the cache.
RUN useradd --uid 10001 --gid 0 --no-log-init --create-home mockserver \
 && install --directory --owner=mockserver --group=0 --mode=2775 /var/cache/mockserver
ENV PATH=/opt/mockserver/bin:$PATH \
    LABELBOX_MOCKSERVER_CACHE=/var/cache/mockserver \
    PYTHONUNBUFFERED=1

# By number, so that a cluster which insists on non-root users can tell.
USER 10001
WORKDIR /tmp

# The default world is made now, not at each start.
RUN mockserver prepare && find /var/cache/mockserver -type d -exec chmod g+ws {} +

EXPOSE 8000
# On the port of LABELBOX_MOCKSERVER_PORT, or 8000.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=3 CMD ["mockserver", "health"]
ENTRYPOINT ["mockserver"]
CMD ["serve", "--host", "0.0.0.0"]
