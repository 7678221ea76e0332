import { REPAIR_TEXTS } from '../admission/repair-texts';
import { WARNING_TEXTS } from '../admission/warnings';
import { type Branch, traces } from './explain-tree';
import type { Explained, ExplainedObservation } from './explained';

/** JSON escapes the others; to a terminal these are commands too, and anybody may have put them into a span. */
const CONTROLS_IN_JSON = /[\x7f-\x9f]/g;

/** One JSON object, in pieces: a line for each observation, in the order of the request. */
export function* asJson({ spans, observe, rejections }: Explained): Generator<string> {
  yield '{"observations":[';
  for (const [index, scanned] of spans.entries()) yield `${index === 0 ? '' : ','}\n${json(observe(scanned))}`;
  yield '],"rejected":[';
  for (const [index, rejection] of rejections.entries()) {
    yield `${index === 0 ? '' : ','}\n${json({ index: rejection.ordinal, reason: reasonOf(rejection) })}`;
  }
  yield ']}\n';
}

const json = (value: object) => JSON.stringify(value).replace(CONTROLS_IN_JSON, unicodeEscape);

const reasonOf = ({ reason, field, description }: Explained['rejections'][number]) =>
  `${reason}: ${field} ${description}`;

/** A tree for each trace, what was rejected, and how much it is in all; in pieces. */
export function* asText({ spans, rejections, read, observe }: Explained): Generator<string> {
  const counts = { traces: 0, repaired: 0, warned: 0 };
  for (const { traceId, branches } of traces({ spans, read })) {
    counts.traces++;
    yield `trace ${traceId}\n`;
    for (const branch of branches) {
      const observation = observe(branch.scanned);
      if (observation.repairs.length > 0) counts.repaired++;
      if (observation.warnings.length > 0) counts.warned++;
      yield block(branch, observation);
    }
    yield '\n';
  }
  for (const rejection of rejections) yield `rejected: span ${rejection.ordinal}, ${reasonOf(rejection)}\n`;
  if (rejections.length > 0) yield '\n';
  yield `${spans.length} observation(s) in ${counts.traces} trace(s), ${counts.repaired} repaired, ${counts.warned} with warnings; ${rejections.length} span(s) rejected\n`;
}

/** Deeper spans are not moved to the right any more: lines would grow longer than what they say. */
const INDENTED_MAX = 40;
const LABEL_WIDTH = 13;

function block(branch: Branch, observation: ExplainedObservation): string {
  const indent = '  '.repeat(Math.min(branch.depth + 1, INDENTED_MAX));
  const deep = branch.depth < INDENTED_MAX ? '' : `  (level ${branch.depth + 1})`;
  const head = `${indent}${observation.type}  ${oneLine(observation.name)}  ${timing(observation)}${deep}\n`;
  const lines = FIELDS.flatMap(([label, show]) => {
    const shown = show(observation, branch);
    const texts = typeof shown === 'string' ? [shown] : (shown ?? []);
    return texts.map((text) => `${indent}    ${label.padEnd(LABEL_WIDTH)}${text}\n`);
  });
  return head + lines.join('');
}

function timing({ startTime, endTime, completionStartTime }: ExplainedObservation): string {
  if (startTime === null || endTime === null) return 'no times';
  const startMs = Date.parse(startTime);
  const first = completionStartTime === null ? '' : `, first token after ${duration(startMs, completionStartTime)}`;
  return `${duration(startMs, endTime)} from ${startTime}${first}`;
}

function duration(fromMs: number, to: string): string {
  const ms = Date.parse(to) - fromMs;
  return Math.abs(ms) < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

type Show = (observation: ExplainedObservation, branch: Branch) => string | readonly string[] | null;

/** In this order; a field that says nothing has no line, one that says several things a line for each. */
const FIELDS: readonly (readonly [label: string, show: Show])[] = [
  ['span', ({ spanId }) => spanId],
  ['parent', parentOf],
  ['level', levelOf],
  ['model', ({ model }) => text(model)],
  ['parameters', ({ modelParameters }) => text(modelParameters)],
  ['usage', ({ usage }) => record(usage)],
  ['cost', ({ cost }) => record(cost)],
  ['session', ({ sessionId }) => text(sessionId)],
  ['user', ({ userId }) => text(userId)],
  ['trace name', ({ traceName }) => text(traceName)],
  ['tags', ({ tags }) => (tags.length === 0 ? null : oneLine(tags.join(', ')))],
  ['public', (observation) => (observation.public ? 'yes' : null)],
  ['environment', ({ environment }) => oneLine(environment)],
  ['release', ({ release }) => text(release)],
  ['version', ({ version }) => text(version)],
  ['prompt', promptOf],
  ['input', ({ input }) => text(input)],
  ['output', ({ output }) => text(output)],
  ['metadata', ({ metadata }) => keysOf(metadata)],
  ['repaired', ({ repairs }) => repairs.map((repair) => `${repair}: ${REPAIR_TEXTS[repair]}`)],
  ['warning', ({ warnings }) => warnings.map((warning) => `${warning}: a span ${WARNING_TEXTS[warning]}`)],
];

function parentOf({ parentSpanId, isRoot }: ExplainedObservation, { top }: Branch): string {
  if (parentSpanId === null) return 'none: a root';
  const places = {
    root: '',
    parentAbsent: ', which is not in this request',
    parentBelow: ', which is below the span itself: a circle',
  };
  return `${parentSpanId}${top === undefined ? '' : places[top]}${isRoot ? '; marked as the root of an application' : ''}`;
}

function levelOf({ level, statusMessage }: ExplainedObservation): string | null {
  if (level === 'DEFAULT' && !statusMessage) return null;
  return statusMessage ? `${level}: ${oneLine(statusMessage)}` : level;
}

function promptOf({ promptName, promptVersion }: ExplainedObservation): string | null {
  if (promptName === null && promptVersion === null) return null;
  return `${promptName === null ? 'no name' : oneLine(promptName)}, ${promptVersion === null ? 'no version' : `version ${promptVersion}`}`;
}

const text = (value: unknown) =>
  value === null ? null : oneLine(typeof value === 'string' ? value : JSON.stringify(value));

const record = (numbers: Record<string, number> | null) =>
  numbers === null
    ? null
    : oneLine(
        Object.entries(numbers)
          .map(([kind, number]) => `${kind} ${number}`)
          .join(', '),
      );

/** What Langfuse makes of a span's other attributes, its resource and its scope; the rest is the sender's own. */
const BLOCK_KEY = /^(attributes|resourceAttributes|scope)\./;
const OWN_KEYS_MAX = 40;
const BLOCK_KEYS_MAX = 8;

/** Values of metadata are anything; the keys tell where to look. */
function keysOf(metadata: Record<string, string>): string | null {
  const keys = Object.keys(metadata);
  const own = keys.filter((key) => !BLOCK_KEY.test(key));
  const shown = own.slice(0, OWN_KEYS_MAX).map(oneLine);
  if (own.length > OWN_KEYS_MAX) shown.push(`${own.length - OWN_KEYS_MAX} more`);
  for (const block of ['attributes', 'resourceAttributes', 'scope']) {
    const inBlock = keys.filter((key) => key.startsWith(`${block}.`));
    if (inBlock.length <= BLOCK_KEYS_MAX) shown.push(...inBlock.map(oneLine));
    else shown.push(`${block}.* (${inBlock.length} keys)`);
  }
  return shown.length === 0 ? null : shown.join(', ');
}

const CHARACTERS_MAX = 200;

/** Line ends, commands to a terminal, half characters, and what is not seen: it turns the direction of writing, or hides text. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

const HALF_AT_THE_END = /[\ud800-\udbff]$/;

/** A text as one line for a terminal, cut. */
export function oneLine(whole: string): string {
  const start = whole.length > CHARACTERS_MAX ? whole.slice(0, CHARACTERS_MAX).replace(HALF_AT_THE_END, '') : whole;
  const left = whole.length - start.length;
  const safe = start.replace(UNSAFE, (character) => SHORT_ESCAPES[character] ?? unicodeEscape(character));
  return left > 0 ? `${safe}… (${left} more characters)` : safe;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** As in JSON: a character beyond U+FFFF is two. */
const unicodeEscape = (character: string) =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
