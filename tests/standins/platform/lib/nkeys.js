// Keys and claims as NATS has them: base 32 with a checksum, and JWTs signed by Ed25519. Imitates the formats of nkeys 0.4 and jwt 2.
'use strict';
const crypto = require('crypto');

const KINDS = { operator: 14 << 3, account: 0, user: 20 << 3 };
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const base32 = (bytes) => {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += LETTERS[(held >> bits) & 31];
    }
  }
  return bits > 0 ? text + LETTERS[(held << (5 - bits)) & 31] : text;
};

const unbase32 = (text) => {
  const bytes = [];
  let held = 0;
  let bits = 0;
  for (const letter of text) {
    held = ((held << 5) | LETTERS.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 255);
    }
  }
  return Buffer.from(bytes);
};

const checked = (bytes) => {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
  }
  return base32(Buffer.concat([bytes, Buffer.from([sum & 255, sum >> 8])]));
};

const privateKey = (seed) =>
  crypto.createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), unbase32(seed).subarray(2, 34)]),
    format: 'der',
    type: 'pkcs8',
  });

// Makes a key: its seed, and its public name.
const make = (kind) => {
  const raw = crypto.randomBytes(32);
  const seed = checked(Buffer.concat([Buffer.from([(18 << 3) | (KINDS[kind] >> 5), (KINDS[kind] & 31) << 3]), raw]));
  const key = crypto.createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { seed, name: checked(Buffer.concat([Buffer.from([KINDS[kind]]), key])) };
};

const sign = (seed, text) => crypto.sign(null, Buffer.from(text), privateKey(seed)).toString('base64url');

// Signs claims about `sub`, by the key of `issuer`.
const claims = (issuer, sub, name, nats) => {
  const body = { iat: Math.floor(Date.now() / 1000), iss: issuer.name, name, sub, nats: { ...nats, version: 2 } };
  body.jti = base32(crypto.createHash('sha256').update(JSON.stringify(body)).digest());
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, body]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign(issuer.seed, text)}`;
};

const decode = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString());

const creds = (jwt, seed) => `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------

*************************************************************
`;

const uncreds = (text) => {
  const lines = text.split(/\r?\n/);
  const after = (word) => lines[lines.findIndex((line) => line.includes(`BEGIN ${word}`)) + 1] ?? '';
  return { jwt: after('NATS USER JWT'), seed: after('USER NKEY SEED') };
};

module.exports = { make, sign, claims, decode, creds, uncreds };
