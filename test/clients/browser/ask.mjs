// A page that tells what it learns from an answer.

/** Status, Retry-After and body of the answer as far as the browser lets the page read them, or the name of the error. */
globalThis.ask = async ({ url, ...request }) => {
  try {
    const answer = await fetch(url, request);
    return { status: answer.status, retryAfter: answer.headers.get('Retry-After'), body: await answer.text() };
  } catch (error) {
    return { error: error.name };
  }
};

globalThis.beacon = ({ url, body, type }) => navigator.sendBeacon(url, type ? new Blob([body], { type }) : body);
