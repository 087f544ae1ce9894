# The steps on a small base with git, CA certificates and psql; docs/image.md.
#
#   docker build --target steps .       all steps; goose needs nothing else
#   docker build --target java .        with a JRE: mount your Liquibase at /opt/liquibase
#   docker build --target java-liquibase --build-context liquibase=DIR .
#                                       with the Liquibase of DIR and its class data archive
#
# A release hands in the binaries that it has built: BINARIES=prebuilt.
ARG BINARIES=built

FROM golang:1.26.0-bookworm AS built
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/ ./steps/... \
 && cp pipelines/propose-assets /out/

FROM scratch AS prebuilt
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/ /out/
COPY pipelines/propose-assets /out/

# hadolint ignore=DL3006
FROM ${BINARIES} AS binaries

FROM debian:bookworm-slim AS steps
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 65532 --create-home --shell /usr/sbin/nologin patchbay
COPY --from=binaries /out/ /usr/local/bin/
USER 65532:65532
WORKDIR /home/patchbay

FROM steps AS java
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/*
USER 65532:65532
ENV LIQUIBASE_HOME=/opt/liquibase

FROM java AS java-liquibase
# hadolint ignore=DL3022
COPY --from=liquibase / /opt/liquibase/
RUN apply-changelog --warm-cache

# What `docker build .` makes.
FROM steps
