/** What service B does: node A-1, which has a child. Without a parent node A-1 is a root, in a trace of its own. */
export function doNodeA1(api, { tracer, parent = api.ROOT_CONTEXT }) {
  const node = tracer.startSpan('node A-1', {}, parent);
  tracer.startSpan('node A-1-1', {}, api.trace.setSpan(parent, node)).end();
  node.end();
  return { traceId: node.spanContext().traceId };
}
