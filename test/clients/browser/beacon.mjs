// A page that sends when it goes away, as pages do: by beacons that can set no header.

/**
 * Prepares beacons that go when the page is hidden for good. `form`: `text` sends a string, `bytes` a Blob without a type, `gzip` the
 * same compressed, any other form a Blob of that type. `body` is a text; bytes are in base64.
 */
globalThis.beaconsOnPageHide = async (beacons) => {
  const ready = await Promise.all(beacons.map(async ({ url, ...rest }) => ({ url, body: await bodyOf(rest) })));
  addEventListener('pagehide', () => {
    for (const { url, body } of ready) console.log(`beacon ${navigator.sendBeacon(url, body)}`);
  });
};

async function bodyOf({ form, body }) {
  if (form === 'text') return body;
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  if (form === 'bytes') return new Blob([bytes]);
  if (form !== 'gzip') return new Blob([bytes], { type: form });
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Blob([await new Response(compressed).arrayBuffer()]);
}

/** The same from several frames at once: what a browser lets wait is bounded for each document. */
globalThis.framesWithBeacons = (frames) =>
  Promise.all(
    frames.map(async (beacons) => {
      const frame = document.createElement('iframe');
      frame.src = location.href;
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
      document.body.append(frame);
      await loaded;
      await frame.contentWindow.beaconsOnPageHide(beacons);
    }),
  );
