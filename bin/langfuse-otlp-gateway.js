#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

// npm links this file before anything is built; a link to a file in dist/ would be missing from then on.
const main = join(__dirname, '..', 'dist', 'main.js');
if (existsSync(main)) {
  require(main);
} else {
  process.stderr.write('langfuse-otlp-gateway: it is not built yet; run npm run build first\n');
  process.exitCode = 1;
}
