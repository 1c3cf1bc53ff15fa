#!/usr/bin/env node
// A stand-in for what Cloudflare, Restate Cloud and SigNoz answer to a token: the addresses that the playbooks ask, and no others.
//
// Which tokens are good stands in cloud.json of the stand-ins' state, by service, and is read anew for each request: what is taken out there
// is refused from then on. Prints its port.
'use strict';
const http = require('http');
const { read, note } = require('./lib/standin');

const good = (service, token) => Boolean(token) && (read('cloud.json', {})[service] ?? []).includes(token);
const bearer = (request) => (request.headers.authorization ?? '').replace(/^Bearer /, '');

const cloudflare = (request) => {
  if (!good('cloudflare', bearer(request))) {
    return [401, { success: false, errors: [{ code: 1000, message: 'Invalid API Token' }], messages: [], result: null }];
  }
  const url = new URL(request.url, 'http://x');
  if (url.pathname === '/client/v4/user/tokens/verify') {
    return [200, { result: { id: 'ed17574386854bf78a67040be0a770b0', status: 'active' }, success: true, errors: [], messages: [] }];
  }
  if (url.pathname === '/client/v4/zones') {
    // A token that may not see the zone gets an empty list, not an error.
    const seen = good('zones', bearer(request)) ? [{ id: '023e105f4ecef8ad9ca31a8372d0c353', name: url.searchParams.get('name') }] : [];
    return [200, { result: seen, success: true, errors: [], messages: [] }];
  }
  return [404, { success: false, errors: [{ code: 7003, message: 'Could not route to the request' }] }];
};

const answer = (request) => {
  const { pathname } = new URL(request.url, 'http://x');
  if (pathname.startsWith('/client/')) return cloudflare(request);
  if (pathname.endsWith('/health')) return read('cloud.json', {}).unhealthy ? [503, { message: 'no tunnel' }] : [200, {}];
  if (pathname === '/deployments') return good('restate', bearer(request)) ? [200, { deployments: [] }] : [401, { message: 'Unauthorized' }];
  if (pathname === '/v1/logs') {
    return good('signoz', request.headers['signoz-ingestion-key']) ? [200, { partialSuccess: {} }] : [401, { message: 'unauthorized' }];
  }
  if (pathname === '/api/v1/rules') {
    return good('signoz', request.headers['signoz-api-key']) ? [200, { status: 'success' }] : [401, { status: 'error' }];
  }
  return [404, { message: 'not found' }];
};

const server = http.createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    note('http', [request.method, request.url]);
    const [status, body] = answer(request);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
