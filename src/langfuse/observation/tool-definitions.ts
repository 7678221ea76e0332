import { isRecord, member, parseIfJson } from './json';

type Metadata = Record<string, unknown>;

/** What a list of tools must be to be taken. */
interface Demands {
  /** One element that is no tool spoils the list. */
  readonly everyElement: boolean;
  /** A tool of the provider may have a type and no name. */
  readonly nameless: boolean;
}

const NAMED_TOOLS: Demands = { everyElement: true, nameless: false };
const AI_SDK_TOOLS: Demands = { everyElement: true, nameless: true };
const TOOLS_OF_INPUT: Demands = { everyElement: false, nameless: true };

const TOOL_KEYS = new Set(['ai.prompt.tools', 'gen_ai.tool.definitions', 'model_request_parameters']);
const INDEXED_TOOL_KEY = /^llm\.tools\.(\d+)\.tool\.json_schema$/;

/**
 * Moves tool definitions out of the metadata into the input, as Langfuse does before it stores an observation
 * (extractToolsBackend.ts). Both stay as they are where there are no tools or the input cannot take them.
 */
export function liftToolDefinitions(observation: { input: unknown; metadata: Metadata }): {
  input: unknown;
  metadata: Metadata;
} {
  const found = takeTools(observation.metadata);
  if (found.tools.length === 0) return observation;
  const input = withTools(observation.input, unique(found.tools));
  return input === undefined ? observation : { input, metadata: found.metadata };
}

function takeTools(metadata: Metadata): { tools: unknown[]; metadata: Metadata } {
  const tools: unknown[] = [];
  const rest = { ...metadata };
  const own = toolList(member(metadata, 'tools'), NAMED_TOOLS) ?? [];
  if (own.length > 0) {
    tools.push(...own);
    delete rest.tools;
  }
  const attributes = parseIfJson(member(metadata, 'attributes'));
  if (!isRecord(attributes) || !Object.keys(attributes).some(mayHoldTools)) return { tools, metadata: rest };
  const ofAttributes = takeAttributeTools(attributes);
  tools.push(...ofAttributes.tools);
  if (Object.keys(ofAttributes.rest).length > 0) rest.attributes = ofAttributes.rest;
  else delete rest.attributes;
  return { tools, metadata: rest };
}

const mayHoldTools = (key: string) => TOOL_KEYS.has(key) || INDEXED_TOOL_KEY.test(key);

function takeAttributeTools(attributes: Metadata): { tools: unknown[]; rest: Metadata } {
  const tools: unknown[] = [];
  const rest = { ...attributes };
  for (const [key, demands] of [
    ['ai.prompt.tools', AI_SDK_TOOLS],
    ['gen_ai.tool.definitions', NAMED_TOOLS],
  ] as const) {
    const list = toolList(member(attributes, key), demands);
    if (list === undefined) continue;
    tools.push(...list);
    delete rest[key];
  }
  tools.push(...takeFunctionTools(rest));
  tools.push(...takeIndexedTools(rest));
  return { tools, rest };
}

/** Pydantic AI: the rest of the request's parameters stays. */
function takeFunctionTools(attributes: Metadata): unknown[] {
  const value = member(attributes, 'model_request_parameters');
  const parameters = parseIfJson(value);
  if (!isRecord(parameters)) return [];
  const tools = toolList(member(parameters, 'function_tools'), NAMED_TOOLS);
  const { function_tools, ...others } = parameters;
  const rest = tools === undefined ? parameters : others;
  if (Object.keys(rest).length === 0) delete attributes.model_request_parameters;
  else attributes.model_request_parameters = typeof value === 'string' ? JSON.stringify(rest) : rest;
  return tools ?? [];
}

/** OpenInference: one attribute per tool, taken in the order of their numbers. */
function takeIndexedTools(attributes: Metadata): unknown[] {
  const numbered = Object.keys(attributes)
    .map((key) => ({ key, number: Number(INDEXED_TOOL_KEY.exec(key)?.[1]) }))
    .filter(({ number }) => !Number.isNaN(number))
    .sort((a, b) => a.number - b.number);
  return numbered.flatMap(({ key }) => {
    const tool = parseIfJson(attributes[key]);
    if (!isTool(tool, { nameless: false })) return [];
    delete attributes[key];
    return [tool];
  });
}

/** The tools of a list or of its JSON, each of them perhaps as JSON again; `undefined` where it is no such list. */
function toolList(value: unknown, { everyElement, nameless }: Demands): unknown[] | undefined {
  const list = parseIfJson(value);
  if (!Array.isArray(list)) return undefined;
  const elements = list.map(parseIfJson);
  const tools = elements.filter((element) => isTool(element, { nameless }));
  if (everyElement && tools.length < elements.length) return undefined;
  return tools.length > 0 || elements.length === 0 ? tools : undefined;
}

function isTool(value: unknown, { nameless }: { nameless: boolean }): boolean {
  if (!isRecord(value)) return false;
  return Boolean(toolName(value)) || (nameless && typeof member(value, 'type') === 'string');
}

/** OpenAI's chat API has name and parameters under `function`. */
function toolName(tool: unknown): unknown {
  return member(member(tool, 'function') ?? tool, 'name');
}

/** The first of each name; tools without a name all stay. */
function unique(tools: readonly unknown[]): unknown[] {
  const seen = new Set<unknown>();
  return tools.filter((tool) => {
    const name = toolName(tool);
    if (!name) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

/** The input with the tools beside it; `undefined` for numbers, booleans and inputs with tools of another kind. */
function withTools(input: unknown, tools: readonly unknown[]): unknown {
  const value = parseIfJson(input);
  if (Array.isArray(value)) return { messages: value, tools };
  if (typeof value === 'string') return { prompt: value, tools };
  if (value === null || value === undefined) return { tools };
  if (!isRecord(value)) return undefined;
  const own = member(value, 'tools') ?? null;
  if (own === null) return { ...value, tools };
  const ownTools = toolList(own, TOOLS_OF_INPUT);
  return ownTools && { ...value, tools: unique([...ownTools, ...tools]) };
}
