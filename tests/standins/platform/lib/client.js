// A client of NATS that is just good enough for the stand-ins: it logs in with the text of a .creds file and sends one request.
'use strict';
const net = require('net');
const { sign, uncreds } = require('./nkeys');

// Logs in, and asks when there is a subject. Fails with the server's own words.
const ask = (url, credsText, subject, payload = '') =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = net.connect(Number(port || 4222), hostname);
    const done = (end, value) => {
      socket.destroy();
      end(value);
    };
    let text = '';
    socket.setTimeout(10_000, () => done(reject, new Error('no answer')));
    socket.on('error', () => done(reject, new Error('no servers available for connection')));
    socket.on('close', () => done(reject, new Error('connection closed')));
    let known = false;
    socket.on('data', (data) => {
      text += data;
      for (;;) {
        const line = /^([^\r\n]*)\r\n/.exec(text);
        if (!line) return undefined;
        const [word, ...rest] = line[1].split(' ');
        const after = text.slice(line[0].length);
        if (word === 'MSG') {
          const length = Number(rest.at(-1));
          if (after.length < length + 2) return undefined;
          return done(resolve, after.slice(0, length));
        }
        text = after;
        if (word === '-ERR') return done(reject, new Error(rest.join(' ').replaceAll("'", '')));
        // The server tells what it is once more after the login.
        if (word === 'INFO' && !known) {
          known = true;
          const { jwt, seed } = uncreds(credsText);
          const { nonce } = JSON.parse(rest.join(' '));
          const login = { verbose: false, protocol: 1, lang: 'node', version: '0', jwt, sig: sign(seed, nonce ?? '') };
          socket.write(`CONNECT ${JSON.stringify(login)}\r\nPING\r\n`);
        }
        if (word === 'PONG') {
          if (!subject) return done(resolve, '');
          const length = Buffer.byteLength(payload);
          socket.write(`SUB _INBOX.standin 1\r\nPUB ${subject} _INBOX.standin ${length}\r\n${payload}\r\n`);
        }
      }
    });
  });

module.exports = { ask };
