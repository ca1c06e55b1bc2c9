// server.js: answers nginx's auth_request by what gate.lua says of the key: 204 passes, 403 does not.
// Arguments: the socket to listen on, the socket of Redis, the call of gate.lua (Bench.pm, write_call).
'use strict';

const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const Redis = require('ioredis');

const [listen, server, file] = process.argv.slice(2);
const [sha, verdict, keys, ...words] = readFileSync(file, 'utf8').trimEnd().split('\n');
const SHARDS = 64;

// A word with placeholders is a list, of which every second one is a name.
const parts = words.map((word) => (word.includes('@') ? word.split('@') : word));
const redis = new Redis(server, { enableAutoPipelining: true });

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(text) {
  let crc = ~0;
  for (let i = 0; i < text.length; i++) crc = table[(crc ^ text.charCodeAt(i)) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

async function passes(request) {
  const [, key, account] = /^Bearer (tg_live_(\w{10})\w{38})$/.exec(request.headers.authorization) ?? [];
  if (!key) return false;

  const values = { account, id: request.headers['x-request-id'], shard: crc32(account) % SHARDS,
                   hash: createHash('sha256').update(key).digest('hex') };
  const args = parts.map((part) => (typeof part === 'string' ? part
    : part.map((text, i) => (i % 2 ? values[text] : text)).join('')));

  return (await redis.evalsha(sha, keys, ...args))[verdict] === 'pass';
}

process.umask(0);
createServer({ keepAlive: true }, async (request, response) => {
  try {
    response.statusCode = (await passes(request)) ? 204 : 403;
  } catch (error) {
    console.error(error.message);
    response.statusCode = 500;
  }
  response.end();
}).listen(listen, 16384).keepAliveTimeout = 600_000;
