# One image with every binary; docker-compose.yml chooses which one runs.
FROM node:22-bookworm-slim AS dashboard
WORKDIR /src
COPY analytics/web/package.json analytics/web/package-lock.json analytics/web/.npmrc ./
RUN npm ci
COPY analytics/web ./
RUN npm run build

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=dashboard /src/dist/dashboard analytics/web/dist/dashboard
RUN cargo build --release --locked --bins

FROM node:22-bookworm-slim AS parts
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# A fleet has a ClickHouse server; the engine's library is for one machine.
RUN npm ci --omit=dev --omit=optional

FROM debian:bookworm-slim
RUN useradd --system --home /data whence && install -d -o whence /data
COPY --from=build /src/target/release/whence /src/target/release/whence-redirector \
     /src/target/release/whence-ingest /src/target/release/whence-analytics /usr/local/bin/
COPY --from=parts /src/node_modules /usr/local/bin/node_modules
USER whence
WORKDIR /data
CMD ["whence", "--help"]
