import { ENVIRONMENT_KEYS } from './observation/environment';
import { PUBLIC_KEYS, RELEASE_KEY } from './observation/observation-fields';

/** An attribute that a page must not set, on a span, a resource or a scope. */
interface DeniedAttribute {
  /** The whole key, or how it begins. */
  readonly key: string;
  readonly isPrefix?: true;
  /** What somebody could do with it who has nothing but a browser key, which anybody can read in the page. */
  readonly why: string;
}

/**
 * What spans that came with a browser key may not say. Usage, versions and links to prompts stay: an agent that runs in a
 * page has them. Rows are the keys that `observation` reads, so that what is denied is what Langfuse would show.
 */
export const BROWSER_DENIED: readonly DeniedAttribute[] = [
  ...PUBLIC_KEYS.map((key) => ({ key, why: 'Publishes the trace to everybody who has its link.' })),
  { key: 'langfuse.internal.', isPrefix: true, why: 'Makes a span a root of its trace, and breaks the tree.' },
  { key: 'langfuse.experiment.', isPrefix: true, why: 'Writes into the data of evaluations.' },
  ...ENVIRONMENT_KEYS.map((key) => ({ key, why: 'Writes into an environment that is not the page’s.' })),
  // With it Langfuse looks for the environment in the completion: see `isFailedJudgeOfOpenRouter`.
  { key: 'openrouter.source', why: 'Writes into the environment of Langfuse’s own judges.' },
  { key: RELEASE_KEY, why: 'Writes into the figures of a release.' },
  ...['langfuse.observation.cost_details', 'gen_ai.usage.cost', 'llm.cost.total'].map((key) => ({
    key,
    why: 'Invents cost. Langfuse reckons it from model and usage.',
  })),
];

const KEYS = new Set(BROWSER_DENIED.filter(({ isPrefix }) => isPrefix !== true).map(({ key }) => key));
const PREFIXES = BROWSER_DENIED.filter(({ isPrefix }) => isPrefix === true).map(({ key }) => key);

/** Whether a page must not set an attribute of that key. */
export const isDeniedToBrowsers = (key: string): boolean =>
  KEYS.has(key) || PREFIXES.some((prefix) => key.startsWith(prefix));
