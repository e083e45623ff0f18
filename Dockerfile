# The dashboard is built with what only development needs, and only what was built goes on.
FROM node:24-slim AS dashboard
WORKDIR /app
COPY . .
RUN npm ci

FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts/dashboard.ts scripts/
RUN npm ci --omit=dev
COPY . .
COPY --from=dashboard /app/dist dist
RUN mkdir /data && chown node /data
USER node
ENV DATA_DIR=/data HOST=0.0.0.0
EXPOSE 8787
CMD ["node", "--max-semi-space-size=16", "scripts/start.ts"]
