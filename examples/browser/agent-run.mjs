import { startObservation } from '@langfuse/tracing';

/**
 * One run of an agent that looks at the page and then reads something in it: agent ▸ generation ▸ tool. The model is a mock, so that
 * nobody needs an account; with a real one the page asks its own server, which keeps that secret too.
 *
 * Each observation is started from the one above it. `startActiveObservation` would find the parent by itself, but only until the
 * first `await`.
 *
 * @param options.screenshot PNG in base64, without `data:` in front; the gateway adds it, so that Langfuse shows the image.
 */
export async function runAgent({ question, screenshot }) {
  const agent = startObservation('page agent', { input: { question } }, { asType: 'agent' });

  const content = [
    { type: 'text', text: question },
    { type: 'file', mediaType: 'image/png', data: screenshot },
  ];
  const generation = agent.startObservation(
    'choose action',
    { model: 'mock-model', input: [{ role: 'user', content }] },
    { asType: 'generation' },
  );
  const { call, usage } = await askModel();

  const tool = generation.startObservation(call.name, { input: call.arguments }, { asType: 'tool' });
  const prices = readColumn(call.arguments.selector);
  tool.update({ output: { prices } }).end();

  generation.update({ output: { role: 'assistant', toolCalls: [call] }, usageDetails: usage }).end();
  const answer = prices.reduce((sum, price) => sum + price, 0).toFixed(2);
  agent.update({ output: { answer } }).end();
  return { answer, traceId: agent.traceId };
}

async function askModel() {
  return {
    call: { name: 'read column', arguments: { selector: 'td:nth-child(2)' } },
    usage: { input: 812, output: 17, total: 829 },
  };
}

const readColumn = (selector) => Array.from(document.querySelectorAll(selector), (cell) => Number(cell.textContent));
