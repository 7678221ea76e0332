# The gateway without anything it does not need to run.
#
#   docker build -t langfuse-otlp-gateway .
#   docker run -p 127.0.0.1:4318:4318 -v gateway-data:/app/data -e GATEWAY_INGEST_KEYS=choose-one langfuse-otlp-gateway
#
# What was answered 200 and is not delivered yet lies in /app/data: without a volume it goes with the container.
# `docker exec CONTAINER node dist/main.js dead-letters list` looks after what could not be delivered.
#
# In a container loopback is nobody's: the receiver listens on all addresses (HOST below), and there the gateway
# refuses to start without GATEWAY_INGEST_KEYS unless GATEWAY_ALLOW_ANONYMOUS=true says that this is meant. The image
# does not say it for you, because `-p 4318:4318` publishes to the whole network. The admin listener stays on the
# container's own loopback until GATEWAY_ADMIN_HOST and GATEWAY_ADMIN_TOKEN are set.
# Give it time to finish its deliveries: `docker stop --timeout 30` (GATEWAY_SHUTDOWN_TIMEOUT_S is 25).

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY ui ./ui
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0
WORKDIR /app
# GATEWAY_DATA_DIR is ./data by default; a volume mounted here inherits owner and mode.
RUN install --directory --owner=node --group=node --mode=0700 data
COPY package.json LICENSE ./
# The field numbers of OTLP are read from these files at start.
COPY proto ./proto
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# User `node`, by number: Kubernetes' runAsNonRoot cannot judge a name.
USER 1000:1000
EXPOSE 4318 4319
# The admin listener answers for the process, whatever address and TLS the receiver is set to.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.GATEWAY_ADMIN_PORT || 4319) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
