import { ARRAY_SLOTS_MAX, DROPPED_PARTS, PATH_CHARACTERS_MAX, slotBudget } from '../observation/dotted-messages';
import { DOTTED_RULES, reachesRule } from '../observation/input-output';
import type { Attributes, SpanReading } from '../observation/span-reading';

export const DOTTED_PREFIXES = DOTTED_RULES.flatMap(({ inputPrefix, outputPrefix }) => [inputPrefix, outputPrefix]);

/** As deep as a value may be nested. */
const PARTS_MAX = 64;
/** What one span may cost us to look at. */
const NODES_MAX = 200_000;

/**
 * Attributes on whose keys Langfuse stumbles while it builds messages of them (`convertKeyPathToNestedObject`; see
 * dotted-messages.ts). Of two keys of which one needs a container where the other puts its value, the value's: which one
 * came first does not matter here, for if Langfuse does not stumble it loses what is in the container.
 */
export function stumblingPaths(span: SpanReading): readonly string[] {
  const keys = [...span.attributes.keys()];
  const rule = DOTTED_RULES.find(({ inputPrefix, outputPrefix }) =>
    keys.some((key) => key.startsWith(inputPrefix) || key.startsWith(outputPrefix)),
  );
  if (rule === undefined || !reachesRule(span, rule.name)) return [];
  return [rule.inputPrefix, rule.outputPrefix].flatMap((prefix) => stumblingBelow(span.attributes, prefix));
}

function stumblingBelow(attributes: Attributes, prefix: string): string[] {
  if (attributes.get(prefix)) return [];
  const stumbling: string[] = [];
  const paths: { key: string; parts: string[] }[] = [];
  const reserve = slotBudget();
  for (const key of attributes.keys()) {
    if (!key.startsWith(prefix)) continue;
    const path = key.replace(`${prefix}.`, '');
    const parts = path.length > PATH_CHARACTERS_MAX ? [] : path.split('.', PARTS_MAX + 1);
    if (parts.length === 0 || parts.length > PARTS_MAX) stumbling.push(key);
    else if (reserve(parts)) paths.push({ key, parts });
  }
  const isList = paths.some(({ parts }) => parts.length > 1 && isIndex(parts[0]));
  const messages = new Messages();
  for (const { key, parts } of paths)
    stumbling.push(...messages.place(key, isList ? inMessage(parts) : ['', ...parts]));
  return stumbling;
}

/**
 * Message and path in it. In a list of messages the first part is the index, in any notation JavaScript has for numbers,
 * and what has no path in its message is put there under `undefined`.
 */
function inMessage([first = '', ...path]: readonly string[]): readonly string[] | undefined {
  const index = Number(first);
  // `1e9` is not counted against Langfuse's limit of slots, and would ask for as many.
  if (!isIndex(first) && Number.isInteger(index) && index >= ARRAY_SLOTS_MAX) return undefined;
  return [String(index), ...(path.length === 0 ? ['undefined'] : path)];
}

/** What an object has without anybody having put it there: a path that leads through it ends in a function, or at `length`. */
const INHERITED = { message: Object.create(null) as object, object: {}, list: [] };

interface Container {
  kind: keyof typeof INHERITED;
  children: Map<string, Container | Values>;
}

/** The attributes whose values lie here; only the last one would be seen. */
interface Values {
  kind: 'values';
  keys: string[];
}

/** What Langfuse would build, with the keys in the place of the values. */
class Messages {
  readonly #messages = new Map<string, Container>();
  #nodesLeft = NODES_MAX;

  /** Keys of the attributes that must not stay: this one, or those in its way. `undefined`: has no place. */
  place(key: string, place: readonly string[] | undefined): string[] {
    const [message, ...path] = place ?? [];
    if (message === undefined || this.#nodesLeft < path.length) return [key];
    // Directly in a message every name is an ordinary one. Deeper down Langfuse leaves these out.
    if (path.length > 1 && path.some((part) => DROPPED_PARTS.has(part))) return [key];
    const root = this.#messages.get(message) ?? { kind: 'message', children: new Map() };
    if (isBlocked(root, path)) return [key];
    this.#messages.set(message, root);
    return this.#put(root, path, key);
  }

  #put(root: Container, path: readonly string[], key: string): string[] {
    const inTheWay: string[] = [];
    let container = root;
    for (const [at, part] of path.entries()) {
      const child = container.children.get(part);
      if (at === path.length - 1) {
        if (child?.kind === 'values') child.keys.push(key);
        else container.children.set(part, { kind: 'values', keys: [key] });
      } else {
        if (child?.kind === 'values') inTheWay.push(...child.keys);
        const next = child === undefined || child.kind === 'values' ? newContainer(path, at) : child;
        container.children.set(part, next);
        container = next;
      }
      this.#nodesLeft -= 1;
    }
    return inTheWay;
  }
}

const newContainer = (path: readonly string[], at: number): Container => ({
  kind: isIndex(path[at + 1]) ? 'list' : 'object',
  children: new Map(),
});

/** Whether the path leads through what is inherited, would set the length of a list, or would put its value over a container. */
function isBlocked(root: Container, path: readonly string[]): boolean {
  let container = root;
  for (const [at, part] of path.entries()) {
    const child = container.children.get(part);
    if (at === path.length - 1) {
      if (container.kind === 'list' && part === 'length') return true;
      return child !== undefined && child.kind !== 'values';
    }
    if (child === undefined && part in INHERITED[container.kind]) return true;
    container = child === undefined || child.kind === 'values' ? newContainer(path, at) : child;
  }
  return false;
}

const isIndex = (part: string | undefined) => part !== undefined && /^\d+$/.test(part);
