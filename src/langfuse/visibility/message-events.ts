import type { TimedEvent } from '@opentelemetry/sdk-trace-base';
import { isComplex } from '../../otlp/any-value';
import type { Draft } from '../draft';
import type { InputOutput } from '../observation/gen-ai-messages';
import { inputOutputOf } from '../observation/input-output';
import type { PlainValue } from '../observation/plain-value';
import { type EventReading, readSpan } from '../observation/span-reading';
import { boundedText, jsonWithin, wholeText } from './bounded-text';

/**
 * Of maps, bytes and such lists in GenAI events Langfuse shows the raw OTLP JSON. An event's attributes cannot be written
 * anew; what the events say is written on the span instead.
 */
export function spellOutMaps(draft: Draft): void {
  const events = draft.span.events.filter(({ name }) => name.startsWith('gen_ai.'));
  if (!events.some(({ attributes = {} }) => Object.values(attributes).some(isComplex))) return;
  const reading = readSpan(draft.span);
  // The reading has the same events, in the same order.
  const spelt = inputOutputOf({ ...reading, events: reading.events.map((each, at) => spellOut(each, events[at]!)) });
  const shown = inputOutputOf(reading);
  // A text that is cut would hide what Langfuse shows now.
  if ([spelt.input ?? '', spelt.output ?? ''].some((side) => wholeText(side) === undefined)) return;
  if (sideText(shown.input) === sideText(spelt.input) && sideText(shown.output) === sideText(spelt.output)) return;
  writeInputOutput(draft, spelt);
}

/** As the observation's own input and output, which count before all others. */
export function writeInputOutput(draft: Draft, { input, output }: InputOutput): void {
  draft.add('langfuse.observation.input', sideText(input));
  draft.add('langfuse.observation.output', sideText(output));
}

const sideText = (value: unknown) => (value === undefined || value === null ? '' : boundedText(value));

function spellOut(reading: EventReading, { attributes = {} }: TimedEvent): EventReading {
  const spelt = [...reading.attributes].map(([key, value]): [string, PlainValue] => {
    const text = isComplex(attributes[key]) ? jsonWithin(attributes[key]) : undefined;
    // Not a text of JSON inside of JSON: who reads messages wants to see what is in them.
    return [key, text === undefined ? value : (JSON.parse(text) as PlainValue)];
  });
  return { ...reading, attributes: new Map(spelt) };
}
