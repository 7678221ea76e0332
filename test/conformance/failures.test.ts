import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { badRequest, ERROR_TABLE, type ErrorCode, GatewayError, retrySoon, unavailable } from '../../src/errors';
import type { Accept } from '../../src/receiver/accept';
import { createReceiver } from '../../src/receiver/server';
import { expectRefusal, expectSuccess } from '../support/otlp-answer';
import { jsonText, protobufBytes, requestOf, spanOf, twins } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';
import { NOTHING_TO_TELL, OPEN_RECEIVER } from '../support/receiver';
import { useGateway } from '../support/use-gateway';
import { lenField, nested } from '../support/wire';

const gateway = useGateway({ env: { GATEWAY_BODY_MAX_BYTES: '65536' } });

/** What the room behind the receiver says next. */
let failure: Accept = async () => NOTHING_TO_TELL;
const logs: string[] = [];
let receiver: Server;
let url: string;
beforeAll(async () => {
  receiver = createReceiver({
    ...OPEN_RECEIVER,
    accept: (body) => failure(body),
    log: pino({ level: 'debug' }, { write: (line: string) => logs.push(line) }),
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/v1/traces`;
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await once(receiver, 'close');
});

const rateLimited = new GatewayError('rate_limited', 'over the rate of this key', { headers: { 'Retry-After': '13' } });
const ROWS: [name: string, error: unknown, status: number, retryAfter: string | undefined][] = [
  ['F01 a permanent refusal', badRequest('my error'), 400, undefined],
  ['F02 a failure that may pass', unavailable('my error', 3), 503, '3'],
  ['F03 a mistake of our own', new GatewayError('internal', 'internal error'), 500, undefined],
  ['F04 out of service', unavailable('Service Unavailable', 1), 503, '1'],
  ['F05 bad data', badRequest('Bad Request'), 400, undefined],
  ['F06 too slow', unavailable('not kept in time', 5, new Error('deadline')), 503, '5'],
  ['F08 over a rate', rateLimited, 429, '13'],
  ['F09 an unknown error', new TypeError('x is not a function'), 500, undefined],
  ['F09 something thrown that is no error', 'words', 500, undefined],
  ['F10 not authenticated', new GatewayError('unauthenticated', 'no key'), 401, undefined],
  ['F10 not permitted', new GatewayError('forbidden', 'not from this origin'), 403, undefined],
  ['F10 not served', new GatewayError('not_found', 'no such path'), 404, undefined],
  ['F11 given up half-way', unavailable('cancelled', 2), 503, '2'],
];

describe.each(twins(requestOf(spanOf())))('the room behind the receiver fails, %s', (encoding, sent) => {
  const refuse = async (error: unknown): Promise<Answer> => {
    failure = () => Promise.reject(error);
    return post(url, sent);
  };

  test.each(ROWS)('%s', async (_, error, status, retryAfter) => {
    const answer = await refuse(error);
    expectRefusal(answer, { status, encoding });
    expect(answer.headers['retry-after']).toBe(retryAfter);
  });

  test.each(Object.keys(ERROR_TABLE) as ErrorCode[])('F21 the code of %s is that of its status', async (code) => {
    const { http: status } = ERROR_TABLE[code];
    expect(expectRefusal(await refuse(new GatewayError(code, 'words')), { status, encoding }).message).toBe('words');
  });

  test.each([
    ['F23 a message of a million letters', badRequest('x'.repeat(1e6))],
    ['F23 a message of three bytes a letter', badRequest(`words ${'語'.repeat(10_000)}`)],
    ['F23 a message of quotes, which JSON doubles', badRequest(`words ${'"\\'.repeat(10_000)}`)],
    [
      'F23 a thousand mistakes',
      badRequest('words', { fieldViolations: Array(1000).fill({ field: 'spans[0]', description: 'y' }) }),
    ],
  ])('%s is cut', async (_, error) => {
    const answer = await refuse(error);
    expectRefusal(answer, { status: 400, encoding });
    expect(answer.body.length).toBeLessThanOrEqual(4096);
  });

  test('F29 what went wrong inside is in the log and not in the answer', async () => {
    logs.length = 0;
    const answer = await refuse(new RangeError('a word from inside'));
    const { message } = expectRefusal(answer, { status: 500, encoding });
    expect(message).not.toContain('inside');
    expect(logs.join('')).toContain('a word from inside');
    failure = async () => NOTHING_TO_TELL;
    expectSuccess(await post(url, sent), encoding);
  });
});

test.each([0, 0.1, 0.5, 0.999999])('F12 Retry-After is a whole number from 1 to 5, by chance: %f', (random) => {
  expect(retrySoon('full', () => random).headers['Retry-After']).toMatch(/^[1-5]$/);
});

describe('F20 a mistake in a field is named', () => {
  const KIND = nested([1, 2, 2], lenField(6, 'x'));
  test.each([
    ['F20 resourceSpans as a number, json', jsonText('{"resourceSpans":5}'), 'json', 'resourceSpans'],
    ['F20 a list in a list, json', jsonText('{"resourceSpans":[[]]}'), 'json', 'resourceSpans[0]'],
    [
      'F20 spans as an object, json',
      jsonText('{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}'),
      'json',
      'resourceSpans[0].scopeSpans[0].spans',
    ],
    ['F20 a kind that is text, protobuf', protobufBytes(KIND), 'protobuf', 'kind'],
  ] as const)('%s', async (_, sent, encoding, field) => {
    const { fieldViolations } = expectRefusal(await gateway.post(sent), { status: 400, encoding });
    expect(fieldViolations).toEqual([
      { field: expect.stringContaining(field), description: expect.stringMatching(/\w{3}/) },
    ]);
  });
});

test('F22 a Status in JSON has no white space', async () => {
  const { body } = await gateway.post(jsonText('{"resourceSpans":5}'));
  expect(body.toString()).toBe(JSON.stringify(JSON.parse(body.toString())));
});

test.each([
  ['F26 a body that is none', { ...jsonText('{') }, '/v1/traces', 400],
  ['F26 a path that is none', jsonText('{}'), '/v1/trace', 404],
  ['F26 a body that is too large', jsonText(' '.repeat(70_000)), '/v1/traces', 413],
  ['F26 a type that is none', { headers: { 'content-type': 'x/y' }, body: Buffer.from('{}') }, '/v1/traces', 415],
])('%s is refused for good by 4xx', async (_, sent, path, status) => {
  const answer = await gateway.post(sent, path);
  expectRefusal(answer, { status, encoding: 'json' });
  expect(answer.headers).not.toHaveProperty('retry-after');
});
