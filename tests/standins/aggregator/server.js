// A stand-in for the aggregator: a small service that needs PostgreSQL and Valkey, and says truthfully whether it can log in.
//
// It takes its settings as the real one does: from the environment that PM2 gives it, and what is missing there from its
// `.env`. Each question at /health opens new connections, because one that is already open outlives a change of password.
// It never writes a password anywhere.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const path = require("node:path");
const tls = require("node:tls");
const { Client } = require("pg");

const WAIT_MS = 5000;
const startedAt = Date.now();

// What stands in the environment wins over the file.
function readDotenv(file) {
  let text;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  for (const line of text.split("\n")) {
    const found = /^\s*(?:export\s+)?([A-Z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (!found) continue;
    const [, key, written] = found;
    const value = /^(["']).*\1$/.test(written) ? written.slice(1, -1) : written;
    if (process.env[key] === undefined) process.env[key] = value;
  }
}

async function postgres() {
  const ca = process.env.DATABASE_CA ? fs.readFileSync(process.env.DATABASE_CA, "utf8") : undefined;
  const client = new Client({
    connectionString: process.env.DATABASE_URL,
    ssl: { ca },
    connectionTimeoutMillis: WAIT_MS,
    query_timeout: WAIT_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return "ok";
  } catch (error) {
    return error.code || "failed";
  } finally {
    await client.end().catch(() => {});
  }
}

function words(...parts) {
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`;
}

function valkey() {
  return new Promise((resolve) => {
    const url = new URL(process.env.REDIS_URL);
    const where = { host: url.hostname, port: Number(url.port || 6379), timeout: WAIT_MS };
    const socket = url.protocol === "rediss:" ? tls.connect({ ...where, servername: net.isIP(where.host) ? "" : where.host }) : net.connect(where);
    const done = (word) => {
      socket.destroy();
      resolve(word);
    };
    let answer = "";
    socket.on(url.protocol === "rediss:" ? "secureConnect" : "connect", () => {
      const user = decodeURIComponent(url.username) || "default";
      socket.write(words("AUTH", user, decodeURIComponent(url.password)) + words("PING"));
    });
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      if (answer.startsWith("-")) done(answer.slice(1).split(" ")[0]);
      else if (answer === "+OK\r\n+PONG\r\n") done("ok");
    });
    socket.on("timeout", () => done("ETIMEDOUT"));
    socket.on("error", (error) => done(error.code || "failed"));
    socket.on("close", () => done("closed"));
  });
}

async function answer(request, response) {
  if (request.url === "/health") {
    const [pg, redis] = await Promise.all([postgres(), valkey()]);
    const ok = pg === "ok" && redis === "ok";
    response.writeHead(ok ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify({ ok, postgres: pg, valkey: redis, pid: process.pid, started_at: startedAt }));
  } else if (request.url === "/metrics") {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(
      "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.\n" +
        "# TYPE process_start_time_seconds gauge\n" +
        `process_start_time_seconds ${Math.floor(startedAt / 1000)}\n`,
    );
  } else {
    response.writeHead(404).end();
  }
}

readDotenv(path.join(process.cwd(), "apps/twzrd-aggregator/.env"));
http
  .createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.writeHead(500).end(JSON.stringify({ ok: false, error: error.code || error.name }));
    });
  })
  .listen(Number(process.env.PORT), "127.0.0.1");
