import { runAgent } from './agent-run.mjs';
import { takeScreenshot } from './screenshot.mjs';
import { startTracing } from './tracing.mjs';

// `?gateway=..&key=..` is for trying another gateway; a page of your own says here what it uses.
const options = new URLSearchParams(location.search);
sessionStorage.session ??= crypto.randomUUID();
const tracing = startTracing({
  gateway: options.get('gateway') ?? 'http://127.0.0.1:4318',
  key: options.get('key') ?? 'gw-web-example-1',
  sessionId: sessionStorage.session,
  userId: 'user-1',
});

const button = document.querySelector('button');
const output = document.querySelector('output');
button.addEventListener('click', async () => {
  const { answer, traceId } = await runAgent({ question: button.textContent, screenshot: takeScreenshot() });
  output.textContent = answer;
  // Spans go every five seconds and when the page is left; here somebody waits for them.
  try {
    await tracing.forceFlush();
    output.textContent = `${answer}, traced as ${traceId}`;
  } catch (error) {
    console.error('The spans were not taken.', error);
    output.textContent = `${answer}, not traced: see the console and the gateway's log`;
  }
});
