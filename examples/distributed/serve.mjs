import { createServer } from 'node:http';

/**
 * Answers with what `answer(request)` resolves to, as JSON, on PORT or any free port of this machine, and says where. On
 * SIGTERM, or when the program that started it has gone, it closes, awaits `close()` and ends.
 */
export function serve(answer, close = async () => {}) {
  const server = createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await answer(request)));
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  });
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
    const url = `http://127.0.0.1:${server.address().port}`;
    console.log(url);
    process.send?.(url);
  });
  const stop = () => server.close(() => close().then(() => process.exit()));
  process.once('SIGTERM', stop).once('disconnect', stop);
}
