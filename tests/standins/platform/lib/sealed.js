// Files as sops 3.13 seals them, for maps of texts: AES-256-GCM for each value, and the key of the file encrypted by the real `age`.
//
// Reads and writes the YAML of such Secrets and no other: maps, texts (plain, in quotes, or as a block) and the section `sops`.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { execFileSync } = require('child_process');

const SEALED = /^(data|stringData)$/;
const ENC = /^ENC\[AES256_GCM,data:(.*),iv:(.*),tag:(.*),type:str\]$/;

// Reads YAML into an object; the section `sops` stays a text.
const parse = (text) => {
  const [body, sops] = text.split(/^(?=sops:)/m);
  const lines = body.split('\n');
  let at = 0;
  const indentOf = (line) => line.length - line.trimStart().length;
  const map = (indent) => {
    const found = {};
    while (at < lines.length) {
      const line = lines[at];
      if (line.trim() === '' || line.trim().startsWith('#')) {
        at += 1;
        continue;
      }
      if (indentOf(line) < indent) break;
      const entry = /^\s*("[^"]*"|[^\s:]+):\s*(.*)$/.exec(line);
      if (!entry || indentOf(line) !== indent) throw new Error(`line ${at + 1} is no entry`);
      at += 1;
      const key = entry[1].replaceAll('"', '');
      if (entry[2] === '') {
        const next = lines.slice(at).find((other) => other.trim() !== '') ?? '';
        found[key] = map(indentOf(next));
      } else if (/^\|[-+]?$/.test(entry[2])) {
        const block = [];
        while (at < lines.length && (lines[at].trim() === '' || indentOf(lines[at]) > indent)) block.push(lines[at++]);
        const deep = Math.min(...block.filter((other) => other.trim()).map(indentOf));
        const value = block.map((other) => other.slice(deep)).join('\n').trimEnd();
        found[key] = entry[2] === '|-' ? value : `${value}\n`;
      } else {
        found[key] = /^"/.test(entry[2]) ? JSON.parse(entry[2]) : entry[2];
      }
    }
    return found;
  };
  return { body: map(0), sops };
};

// Writes YAML with four blanks a level, a block where a text has lines.
const print = (value, indent = '') =>
  Object.entries(value)
    .map(([key, inner]) => {
      if (typeof inner === 'object') return `${indent}${key}:\n${print(inner, `${indent}    `)}`;
      if (!inner.includes('\n')) return `${indent}${key}: ${/^[\w./:@=+-]+$|^ENC\[/.test(inner) ? inner : JSON.stringify(inner)}\n`;
      const lines = inner.replace(/\n$/, '').split('\n').map((line) => (line ? `${indent}    ${line}` : ''));
      return `${indent}${key}: ${inner.endsWith('\n') ? '|' : '|-'}\n${lines.join('\n')}\n`;
    })
    .join('');

const encrypt = (key, value, path) => {
  const iv = crypto.randomBytes(32);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(path));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  const [d, i, t] = [data, iv, cipher.getAuthTag()].map((part) => part.toString('base64'));
  return `ENC[AES256_GCM,data:${d},iv:${i},tag:${t},type:str]`;
};

const decrypt = (key, text, path) => {
  const [data, iv, tag] = ENC.exec(text).slice(1).map((part) => Buffer.from(part, 'base64'));
  const open = crypto.createDecipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(path)).setAuthTag(tag);
  return Buffer.concat([open.update(data), open.final()]).toString();
};

// Changes each value that is to be sealed.
const walk = (value, change, path = '', sealed = false) =>
  Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const within = sealed || (path === '' && SEALED.test(key));
      if (typeof inner === 'object') return [key, walk(inner, change, `${path}${key}:`, within)];
      return [key, within ? change(inner, `${path}${key}:`) : inner];
    }),
  );

const sum = (body) => crypto.createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase();

class Failure extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

const age = (words, input) => {
  try {
    return execFileSync('age', words, { input, stdio: ['pipe', 'pipe', 'pipe'] });
  } catch {
    throw new Failure(128, 'Failed to get the data key required to decrypt the SOPS file.');
  }
};

const readFile = (file) => {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    throw new Failure(100, `Error reading file: open ${file}: no such file or directory`);
  }
};

// Opens a sealed file: its key, its recipient and its values.
const open = (file) => {
  const { body, sops } = parse(readFile(file));
  if (!sops) throw new Failure(1, 'sops metadata not found');
  const recipient = /recipient: (\S+)/.exec(sops)[1];
  const armored = /-----BEGIN AGE[^]*END AGE ENCRYPTED FILE-----/.exec(sops)[0].replace(/^ +/gm, '');
  const key = age(['--decrypt', '--identity', process.env.SOPS_AGE_KEY_FILE ?? '/dev/null'], armored);
  let clear;
  try {
    clear = walk(body, (text, path) => decrypt(key, text, path));
    const mac = decrypt(key, /mac: (\S+)/.exec(sops)[1], /lastmodified: "(.*)"/.exec(sops)[1]);
    if (mac !== sum(clear)) throw new Error('MAC');
  } catch {
    throw new Failure(51, 'MAC mismatch. File has been changed outside of sops.');
  }
  return { body: clear, key, recipient, armored };
};

// Seals values with a file's key, or with a new one for a recipient.
const seal = (file, body, { key, recipient, armored }) => {
  const dataKey = key ?? crypto.randomBytes(32);
  const enc = armored ?? age(['--recipient', recipient, '--armor'], dataKey).toString().trim();
  const at = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const text = `${print(walk(body, (value, path) => encrypt(dataKey, value, path)))}sops:
    age:
        - recipient: ${recipient}
          enc: |
${enc.split('\n').map((line) => `            ${line}`).join('\n')}
    lastmodified: "${at}"
    mac: ${encrypt(dataKey, sum(body), at)}
    encrypted_regex: ${SEALED.source}
    version: 3.13.0
`;
  fs.writeFileSync(file, text);
};

const isSealed = (file) => /^sops:/m.test(readFile(file));

module.exports = { parse, print, open, seal, isSealed, readFile, Failure };
