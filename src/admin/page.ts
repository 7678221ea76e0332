import { join } from 'node:path';
import express, { type Express } from 'express';

/** Where the build puts it; src/admin and dist/admin lie equally deep. */
const PAGE_FOLDER = join(__dirname, '..', '..', 'dist', 'ui');

const NOT_BUILT = `langfuse-otlp-gateway

The page of the inspector is not built: npm run build.
What it shows is at /api.
`;

/** The inspector's page, as `npm run build` has made it. */
export function servePage(app: Express): void {
  app.use(express.static(PAGE_FOLDER, { redirect: false, cacheControl: false, etag: false, lastModified: false }));
  app.get('/', (_request, response) => void response.type('text/plain').send(NOT_BUILT));
}
