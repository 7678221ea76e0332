/**
 * One run of an agent as OpenTelemetry spans, with the GenAI attributes that Langfuse reads. Session and user stand on every
 * span: Langfuse filters observations by them, not traces.
 */
export function traceAgentRun({ api, tracer }) {
  const person = { 'session.id': 'session-1', 'user.id': 'user-1' };
  const root = tracer.startSpan('agent run', {
    attributes: { ...person, 'gen_ai.operation.name': 'invoke_agent', 'agent.tools': ['weather', 'calendar'] },
  });
  const inRun = api.trace.setSpan(api.context.active(), root);

  const chat = tracer.startSpan(
    'chat gpt-4o',
    {
      kind: api.SpanKind.CLIENT,
      attributes: {
        ...person,
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.request.temperature': 0.2,
        'gen_ai.request.stream': false,
        'gen_ai.input.messages': messages('user', 'What is the weather in Zürich? ☀️'),
      },
    },
    inRun,
  );
  chat.addEvent('gen_ai.choice', { index: 0, 'choice.logprobs': [-0.25, -1.5] });
  chat.setAttributes({
    'gen_ai.response.model': 'gpt-4o-2024-08-06',
    'gen_ai.response.finish_reasons': ['tool_calls'],
    'gen_ai.usage.input_tokens': 42,
    'gen_ai.usage.output_tokens': 7,
    'gen_ai.output.messages': messages('assistant', 'Let me look.'),
  });
  chat.end();

  const tool = tracer.startSpan(
    'execute_tool weather',
    {
      attributes: {
        ...person,
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'weather',
        'gen_ai.tool.call.arguments': '{"city":"Zürich"}',
      },
      links: [{ context: chat.spanContext(), attributes: { relation: 'asked by', attempt: 1 } }],
    },
    inRun,
  );
  tool.recordException(new Error('the weather service is away'));
  tool.setStatus({ code: api.SpanStatusCode.ERROR, message: 'the weather service is away' });
  tool.end();

  root.setStatus({ code: api.SpanStatusCode.OK });
  root.end();
}

const messages = (role, content) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
