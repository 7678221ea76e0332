import { ExportResultCode } from '@opentelemetry/core';
import { createPreviewExporter } from '../../src/delivery/preview-exporter';
import { startAttempt } from '../support/attempts';
import { encodeSpans, numberedSpans } from '../support/trace-request';

test('every span is kept and delivered', async () => {
  const kept: string[] = [];
  const exporter = createPreviewExporter(({ name }) => kept.push(name));
  const { spans, heard, done } = startAttempt(encodeSpans(numberedSpans(3)));
  const exported = jest.fn();
  for (const span of spans) exporter.export([span], exported);
  expect(kept).toEqual(['s1', 's2', 's3']);
  expect([...heard.values()].flat()).toEqual(Array(3).fill({ kind: 'delivered' }));
  expect(done()).toBe(1);
  expect(exported.mock.calls).toEqual(Array(3).fill([{ code: ExportResultCode.SUCCESS }]));
  expect(spans.every(({ arrived }) => arrived)).toBe(true);
  await exporter.shutdown();
});
