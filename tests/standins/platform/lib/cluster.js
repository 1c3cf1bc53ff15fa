// The cluster of the stand-ins: Secrets, and workloads whose pods take what they need from a Secret when they start.
//
// In cluster.json: `secrets` by `namespace/name`, `workloads` by `namespace/kind/name`, each with `secret`, `key`, `check` and its
// `pods`. A pod is ready when the service that `check` names takes what the pod started with; NATS is really asked.
'use strict';
const { read, write } = require('./standin');
const { ask } = require('./client');

const load = () => read('cluster.json');
const save = (cluster) => write('cluster.json', cluster);

// Which of the services' values are good is in cloud.json, which cloud.js serves from.
const accepted = async (check, value, cluster) => {
  if (check === 'nats') {
    return ask(cluster.nats, value).then(() => true, () => false);
  }
  if (check === 'step') return Object.values(read('step.json').provisioners).some(({ password }) => password === value);
  return (read('cloud.json')[check] ?? []).includes(value);
};

const start = async (workload, cluster) => {
  const data = cluster.secrets[workload.secret]?.data ?? {};
  const value = Buffer.from(data[workload.key] ?? '', 'base64').toString();
  const ready = await accepted(workload.check, value, cluster);
  const startedAt = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  workload.pods = workload.pods.map((pod, at) => ({ name: `${pod.name.replace(/-[^-]*$/, '')}-${Date.now().toString(36)}${at}`, value, ready, startedAt }));
};

module.exports = { load, save, start, accepted };
