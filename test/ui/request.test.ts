import { reach } from '../../ui/src/net/reach';
import { getJson, problemOf, RequestError, send } from '../../ui/src/net/request';

const browsersOwn = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = browsersOwn;
  reach.set(true);
});

interface Asked {
  path: unknown;
  init: RequestInit | undefined;
}

/** A browser whose gateway answers this, and what it was asked. */
function answering(answer: () => Response | Promise<Response>): Asked[] {
  const asked: Asked[] = [];
  globalThis.fetch = async (path, init) => {
    asked.push({ path, init });
    return answer();
  };
  return asked;
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const refused = (): never => {
  throw new TypeError('Failed to fetch');
};

describe('an answer', () => {
  test.each([[{ a: 1 }], [[]], [null], [0], ['']])('%j', async (body) => {
    answering(() => json(body));
    expect(await getJson('/api/x')).toEqual(body);
  });

  test('is asked for below the page, wherever that is', async () => {
    const asked = answering(() => json({}));
    await getJson('/api/x?a=/b');
    expect(asked.map(({ path }) => path)).toEqual(['api/x?a=/b']);
  });

  test.each([
    ['POST', '{}'],
    ['DELETE', undefined],
  ] as const)('%s says that it is JSON', async (method, body) => {
    const asked = answering(() => json({}));
    await send(method, '/api/x');
    expect(asked).toEqual([{ path: 'api/x', init: { method, headers: { 'Content-Type': 'application/json' }, body } }]);
  });
});

describe('a problem', () => {
  test.each<[name: string, answer: () => Response, status: number | null, message: string]>([
    ['what the gateway says', () => json({ problem: 'Too late.' }, 409), 409, 'Too late.'],
    ['an error', () => json({ error: 'not found' }, 404), 404, 'not found'],
    ['no words', () => json({ problem: 7 }, 500), 500, 'The gateway answers 500.'],
    ['a page of a proxy', () => new Response('<html>', { status: 502 }), 502, 'The gateway answers 502.'],
    ['null', () => json(null, 500), 500, 'The gateway answers 500.'],
    ['no JSON', () => new Response('<html>'), 200, 'The gateway answers something that is no JSON.'],
    ['an empty answer', () => new Response(''), 200, 'The gateway answers something that is no JSON.'],
    ['another host', () => json({ error: 'host' }, 403), 403, 'The gateway refuses this page (403): host.'],
    ['no reason', () => new Response('', { status: 403 }), 403, 'The gateway refuses this page (403).'],
    ['no answer', refused, null, 'The gateway does not answer.'],
  ])('%s', async (_, answer, status, message) => {
    answering(answer);
    await expect(getJson('/api/x')).rejects.toMatchObject({ name: 'Error', status, message });
  });

  test('a missing token names the setting', async () => {
    answering(() => json({ error: 'unauthorized' }, 401));
    await expect(getJson('/api/x')).rejects.toThrow('GATEWAY_ADMIN_TOKEN');
  });

  test('whether the gateway answers is known from the last request', async () => {
    answering(refused);
    await expect(getJson('/api/x')).rejects.toThrow(RequestError);
    const after = [reach.get()];
    answering(() => json({}, 500));
    await expect(getJson('/api/x')).rejects.toThrow(RequestError);
    expect([...after, reach.get()]).toEqual([false, true]);
  });

  test('who gives up is told so, and the gateway is not blamed', async () => {
    const abort = new AbortController();
    answering(() => {
      abort.abort();
      throw abort.signal.reason;
    });
    await expect(getJson('/api/x', abort.signal)).rejects.toBe(abort.signal.reason);
    expect(reach.get()).toBe(true);
  });
});

test.each([
  ['no answer, which the banner says', new RequestError(null, 'no answer'), null],
  ['an answer', new RequestError(500, 'The gateway answers 500.'), 'The gateway answers 500.'],
  ['a fault of the page', new TypeError('x is undefined'), 'x is undefined'],
  ['what is no error', 'why', 'why'],
])('%s, in words', (_, error, words) => {
  expect(problemOf(error)).toBe(words);
});
