import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, type LoadedConfig, loadConfig } from '../../src/config';

export type Env = Record<string, string>;

/** Keys of a destination, for tests about something else. */
export const KEYS: Env = { LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-1' };

const folder = mkdtempSync(join(tmpdir(), 'gateway-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file that lives as long as the test file runs, and answers its path. */
export function write(content: string, name = 'gateway.yaml'): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** `now`, in milliseconds, is the time at which it is loaded. */
export function load(env: Env, yaml?: string, now?: number): LoadedConfig {
  const clock = now === undefined ? undefined : () => now;
  return loadConfig({ env, configFile: yaml === undefined ? undefined : write(yaml), now: clock });
}

/** The configuration; fails with the mistakes when there are any. */
export function configOf(env: Env, yaml?: string, now?: number): Config {
  const loaded = load(env, yaml, now);
  expect(loaded).not.toHaveProperty('mistakes');
  return (loaded as { config: Config }).config;
}

/** The mistakes, without the folder of this run: they begin with `gateway.yaml:3`. Fails when there are none. */
export function mistakesOf(env: Env, yaml?: string, now?: number): string[] {
  const loaded = load(env, yaml, now);
  expect(loaded).toHaveProperty('mistakes');
  return (loaded as { mistakes: string[] }).mistakes.map((mistake) => mistake.replaceAll(`${folder}/`, ''));
}

/** The warnings of a configuration that has no mistakes, without the folder of this run. */
export function warningsOf(env: Env, yaml?: string, now?: number): string[] {
  const loaded = load(env, yaml, now);
  expect(loaded).not.toHaveProperty('mistakes');
  return loaded.warnings.map((warning) => warning.replaceAll(`${folder}/`, ''));
}

/** Matches a list of messages, each by a part of it. */
export function containing(parts: readonly string[]): string[] {
  return parts.map((part) => expect.stringContaining(part) as string);
}
