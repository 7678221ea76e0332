'use strict';
const { createCipheriv } = require('node:crypto');

/** What `bench:media` sends: one span each, whose input is images or looks like it. Sizes are in MB: millions of bytes. */

const IMAGES = 10;
const AIMED_MS = 50;

/** `aimed` is the size for which the project has set itself an aim; the doubling of sizes shows how time grows. */
const MEDIA_WORKLOADS = {
  /** Images as data URIs; the size is that of the images, in base64 it is a third more. */
  images: { sizes: [5, 10, 20], aimed: 10, images: IMAGES, inputOf: imageMessages(dataUriPart) },
  /** Images as bare base64, which want the prefix of a data URI. */
  parts: { sizes: [5, 10, 20], aimed: 10, images: IMAGES, inputOf: imageMessages(filePart) },
  /** The transcript of a stream of server-sent events: each line begins as a data URI does. */
  events: {
    sizes: [0.5, 1, 2],
    aimed: 1,
    images: 0,
    inputOf: repeated('data: {"choices":[{"delta":{"content":"and"}}]}\n\n'),
  },
  /** Nothing but beginnings. */
  schemes: { sizes: [0.5, 1, 2], aimed: 1, images: 0, inputOf: repeated('data:') },
  /** Beginnings of an image each, without the image. */
  heads: { sizes: [0.5, 1, 2], aimed: 1, images: 0, inputOf: repeated('data:image/png;base64,\n') },
};

/** The shape of a request (`makeTemplate`) with one span of that workload. */
function mediaShape({ workload, size }) {
  const input = MEDIA_WORKLOADS[workload].inputOf(size * 1e6);
  const makeSpan = () => ({
    name: 'look-at-images',
    startTimeUnixNano: '1767528000000000000',
    endTimeUnixNano: '1767528000812345678',
    attributes: [
      { key: 'langfuse.observation.type', value: { stringValue: 'generation' } },
      { key: 'langfuse.observation.input', value: { stringValue: input } },
    ],
  });
  return { spansPerRequest: 1, makeSpan };
}

function imageMessages(partOf) {
  return (bytes) => {
    const each = Math.floor(bytes / IMAGES);
    const content = noise(each * IMAGES);
    const parts = Array.from({ length: IMAGES }, (_, index) =>
      partOf(content.subarray(index * each, (index + 1) * each).toString('base64')),
    );
    return JSON.stringify([{ role: 'user', content: [{ type: 'text', text: 'Which of these is a cat?' }, ...parts] }]);
  };
}

function dataUriPart(base64) {
  return { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } };
}

function filePart(base64) {
  return { type: 'file', mediaType: 'image/jpeg', data: base64 };
}

function repeated(text) {
  return (bytes) => text.repeat(Math.floor(bytes / text.length));
}

/** As compressed as an image is, and the same bytes on every machine. */
function noise(bytes) {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

module.exports = { AIMED_MS, MEDIA_WORKLOADS, mediaShape };
