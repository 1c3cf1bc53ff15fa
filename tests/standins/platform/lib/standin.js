// What the stand-ins of the platform share: a folder of state, a list of calls, and faults on demand.
//
// Everything is in the folder $PLATFORM_STANDIN_STATE:
//   calls    a line for each call: the program, and its words as JSON
//   fault    what goes wrong: lines `PROGRAM-COMMAND FAULT`, as in `nsc-push act-then-fail`; with `@N` behind the command, only its
//            calls from the Nth on since the file `counts-PROGRAM-COMMAND` was last removed
// Faults: `fail` (nothing done), `hang` (nothing done, no end), `slow SECONDS` (done, later), `act-then-fail` (done, and it says that
// it failed), `act-then-hang` (done, and no end).
'use strict';
const fs = require('fs');
const path = require('path');

const state = process.env.PLATFORM_STANDIN_STATE;
if (!state) {
  console.error('PLATFORM_STANDIN_STATE is not set');
  process.exit(1);
}

const file = (name) => path.join(state, name);

// Reads a JSON file of the state.
const read = (name, otherwise) => {
  try {
    return JSON.parse(fs.readFileSync(file(name), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' && otherwise !== undefined) return otherwise;
    throw error;
  }
};

// Writes a JSON file of the state, whole or not at all.
const write = (name, value) => {
  const place = file(name);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.writeFileSync(`${place}.new`, `${JSON.stringify(value, null, 1)}\n`, { mode: 0o600 });
  fs.renameSync(`${place}.new`, place);
};

const note = (program, words) => fs.appendFileSync(file('calls'), `${program} ${JSON.stringify(words)}\n`);

const faultOf = (program, command) => {
  let found = '';
  const counted = file(`counts-${program}-${command}`);
  fs.appendFileSync(counted, '.');
  const calls = fs.statSync(counted).size;
  if (!fs.existsSync(file('fault'))) return found;
  for (const line of fs.readFileSync(file('fault'), 'utf8').split('\n')) {
    const [name, ...what] = line.split(' ');
    const [whole, from] = name.split('@');
    if (whole === `${program}-${command}` && calls >= Number(from ?? 1)) found = what.join(' ');
  }
  return found;
};

const hang = () => new Promise(() => setInterval(() => {}, 1 << 30));
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// Runs a command of a program. `refuse` ends as the program does when its server or disk fails.
const run = async (program, command, refuse, act) => {
  const fault = faultOf(program, command);
  if (fault === 'fail') refuse();
  if (fault === 'hang') await hang();
  if (fault.startsWith('slow ')) await pause(Number(fault.slice(5)));
  await act();
  if (fault === 'act-then-fail') refuse();
  if (fault === 'act-then-hang') await hang();
  process.exit(0);
};

// Ends with words on standard error.
const fail = (words, status = 1) => {
  fs.writeSync(2, `${words}\n`);
  process.exit(status);
};

// Takes options and words apart: `values` take one, and may come again; `flags` take none.
const options = (words, values, flags = []) => {
  const found = { words: [] };
  for (let at = 0; at < words.length; at += 1) {
    const [name, inline] = words[at].startsWith('--') ? words[at].split(/=(.*)/s) : [words[at]];
    if (values[name]) {
      const value = inline ?? words[(at += 1)];
      (found[values[name]] ??= []).push(value);
    } else if (flags.includes(name)) {
      found[name] = true;
    } else if (words[at].startsWith('-') && words[at] !== '-') {
      return { unknown: words[at] };
    } else {
      found.words.push(words[at]);
    }
  }
  return found;
};

module.exports = { state, file, read, write, note, run, fail, options };
