# The fake for tests in any language. Others can reach a container, so it wants a token for its control API:
#   docker build --tag tiledesk-fake .
#   docker run --rm -p 127.0.0.1:8000:8000 -e TILEDESK_FAKE_CONTROL_TOKEN=choose-one tiledesk-fake
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
ENV PIP_CONSTRAINT=/source/constraints.txt
RUN python -m venv /opt/tiledesk-fake && /opt/tiledesk-fake/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/tiledesk-fake /opt/tiledesk-fake
ENV PATH=/opt/tiledesk-fake/bin:$PATH PYTHONUNBUFFERED=1
# By number, so that an orchestrator sees that it is not root.
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["tiledesk-fake", "wait", "--timeout", "2"]
ENTRYPOINT ["tiledesk-fake"]
CMD ["serve", "--host", "0.0.0.0"]
