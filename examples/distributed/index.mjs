// Starts the services, has A do its work in each way (or in those that are named: `node index.mjs headers uuid`), ends them
// when their spans are out, and prints which trace each way should have become.
import { fork } from 'node:child_process';
import { once } from 'node:events';

const ways = process.argv.length > 2 ? process.argv.slice(2) : ['traceparent', 'headers', 'uuid'];
const services = [];

async function start(file, env = {}) {
  const service = fork(new URL(file, import.meta.url), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  service.once('exit', (code) => {
    if (code !== 0) process.exit(1);
  });
  services.push(service);
  const [url] = await once(service, 'message');
  return url;
}

const a = await start('service-a.mjs', {
  B_TRACEPARENT_URL: await start('service-b-traceparent.mjs'),
  B_HEADERS_URL: await start('service-b-headers.mjs'),
});

const traces = {};
for (const way of ways) {
  const response = await fetch(`${a}/${way}`);
  if (!response.ok) throw new Error(`service A answers ${response.status}`);
  traces[way] = await response.json();
}

for (const service of services) service.disconnect();
await Promise.all(services.map((service) => once(service, 'exit')));
console.log(JSON.stringify(traces));
