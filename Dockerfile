# One image for the server and the Media Service: `docker run IMAGE` is the one, `docker run IMAGE media` the other.
# Both bases are named by tag. Who wants the very same bytes again gives digests: --build-arg NODE_IMAGE=node@sha256:…
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
# glibc, libstdc++, OpenSSL and CA certificates: what node and mediasoup's worker are linked with. No shell, no packages.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# A registry of one's own: --secret id=npmrc,src=FILE. It is in no layer.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
RUN npm run build
# `fetch`: mediasoup's own script brings its worker. `none`: there is no Media Service in this image, or its worker is mounted.
ARG MEDIASOUP_WORKER=fetch
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc node scripts/image/contents.mjs /image "$MEDIASOUP_WORKER"

FROM ${BASE_IMAGE}
# The one that the packages were installed with; npm, yarn and corepack stay behind.
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /image/node_modules /app/node_modules
COPY --from=build /image/app /app
# Where AUDIT_LOG may write, when a volume is put there.
COPY --from=build --chown=65532:65532 /image/log /var/log
WORKDIR /app
# Numeric, so that `runAsNonRoot` can be checked without reading /etc/passwd.
USER 65532:65532
# Inside a container loopback is nobody's address but its own.
ENV NODE_ENV=production MEDIA_HOST=0.0.0.0
EXPOSE 8001 8080 8010
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["/usr/local/bin/node", "dist/container.js", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/node", "dist/container.js"]
CMD ["server"]
ARG VERSION=2.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="webrtc-signaling-server" \
  org.opencontainers.image.description="WebRTC signaling server, and its Media Service" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
