# Three stages: wheels are built in the first; `development` runs the source with reload; the last is the image to ship.
# For production give the base by digest: --build-arg BASE=python:3.13-slim@sha256:…
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# Which plug-ins the image has, as folders of this repository. What else is on PyPI goes into EXTRA.
ARG PLUGINS="plugins/factor_totp plugins/provider_passkey plugins/provider_email_code plugins/provider_password plugins/provider_phone plugins/sender_smtp plugins/sender_twilio provider_facebook provider_google provider_twitter"
ARG EXTRA=""
WORKDIR /source
COPY . .
RUN set -e; wanted=".[serve,postgresql,avatars,countries,redis,import]"; for plugin in $PLUGINS; do wanted="$wanted ./$plugin"; done; \
    pip wheel --no-cache-dir --wheel-dir /wheels -c constraints.txt $wanted $EXTRA

FROM ${BASE} AS development
ARG PLUGINS="plugins/factor_totp plugins/provider_passkey plugins/provider_email_code plugins/provider_password plugins/provider_phone plugins/sender_smtp plugins/sender_twilio provider_facebook provider_google provider_twitter"
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
COPY . .
RUN set -e; wanted="-e .[serve,postgresql,avatars,countries,redis,import]"; for plugin in $PLUGINS; do wanted="$wanted -e ./$plugin"; done; \
    pip install --no-cache-dir -c constraints.txt $wanted && mkdir -m 700 /data && chown 10001:10001 /data
USER 10001:10001
CMD ["authenticator", "dev", "--host", "0.0.0.0", "--reload"]

FROM ${BASE} AS run
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000 AUTHENTICATOR_DATA_DIR=/data
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index /wheels/* && rm -rf /wheels && mkdir -m 700 /data && chown 10001:10001 /data
WORKDIR /srv
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=2)"]
CMD ["authenticator", "serve"]
