# The image of `lazaret` (the last stage, and the default), and of Dagster with it.
#
#   docker build --tag lazaret:local .
#   docker build --tag lazaret-dagster:local --target dagster .

# As new as `rust-version` in Cargo.toml; a test compares them.
FROM rust:1.95-slim-bookworm AS build
# SQLite, zstd and the TLS library are built from C, as scripts/setup.sh says.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY crates crates
# What the program carries: the library of contracts, and the demo.
COPY library library
COPY demo/feeds demo/feeds
COPY demo/inbox demo/inbox
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --package lazaret \
    && install -D --mode=755 target/release/lazaret /built/lazaret

# Dagster, its code location, and the program that it drives.
FROM python:3.11-slim-bookworm AS dagster
COPY scripts/dagster-requirements.txt /tmp/dagster-requirements.txt
RUN pip install --no-cache-dir --only-binary :all: --requirement /tmp/dagster-requirements.txt
RUN groupadd --gid 10001 lazaret \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /project \
        --shell /usr/sbin/nologin lazaret \
    && install -d --owner=lazaret --group=lazaret /project /dagster_home
COPY integrations/dagster /opt/lazaret/dagster
COPY --from=build /built/lazaret /usr/local/bin/lazaret
ENV LAZARET_PROJECT=/project DAGSTER_HOME=/dagster_home PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /opt/lazaret/dagster
EXPOSE 3001
CMD ["dagster-webserver", "--host", "0.0.0.0", "--port", "3001", "--workspace", "workspace.yaml"]

FROM debian:bookworm-slim AS lazaret
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 lazaret \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /project \
        --shell /usr/sbin/nologin lazaret \
    && install -d --owner=lazaret --group=lazaret /project
COPY --from=build /built/lazaret /usr/local/bin/lazaret
ENV LAZARET_PROJECT=/project
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /project
EXPOSE 3000
# Asks the running process itself, which `lazaret doctor`, another process, would not. There is no
# curl in the image, and none is needed: bash opens sockets.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3000 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["lazaret"]
CMD ["up", "--listen", "0.0.0.0:3000"]
