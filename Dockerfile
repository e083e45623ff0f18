FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY . .
RUN mkdir /data && chown node /data
USER node
ENV DATA_DIR=/data HOST=0.0.0.0
EXPOSE 8787
CMD ["node", "scripts/start.ts"]
