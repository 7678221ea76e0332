'use strict';

/** Langfuse's media API and the store behind it, as far as an upload needs them; contents are counted and forgotten. */
function createMediaStore() {
  const counts = { announced: 0, stored: 0, storedBytes: 0, confirmed: 0 };
  return {
    counts,
    /** The answer, or undefined where the request is none of these. */
    take({ request: { method, url, headers }, body }) {
      if (method === 'POST' && url === '/api/public/media') {
        const mediaId = `medium-${++counts.announced}`;
        return { mediaId, uploadUrl: `http://${headers.host}/store/${mediaId}` };
      }
      if (method === 'PUT' && url.startsWith('/store/')) {
        counts.stored++;
        counts.storedBytes += body.length;
        return {};
      }
      if (method === 'PATCH' && url.startsWith('/api/public/media/')) {
        counts.confirmed++;
        return {};
      }
      return undefined;
    },
  };
}

module.exports = { createMediaStore };
