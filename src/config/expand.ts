import { variable } from './variables';

/** The reference between `${` and `}`: an optional scheme, a name, an optional default. */
const REFERENCE = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

export interface Expansion {
  text: string;
  /** Names that were asked for, found or not. */
  names: string[];
  /** Those without value and default: they expand to nothing. */
  unset: string[];
  /** How many references are none that the gateway can replace. */
  unreadable: number;
}

/**
 * Replaces `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`, and turns `$$` into `$`, as the Collector does in its
 * files (confmap/provider/envprovider). Unlike there, what a variable holds is taken literally: a password with `$$` or
 * `${` in it stays itself.
 */
export function expandVariables(text: string, env: NodeJS.ProcessEnv): Expansion {
  const expansion: Expansion = { text: '', names: [], unset: [], unreadable: 0 };
  expansion.text = text.replace(/\$\$|\$\{([^}]*)\}/g, (whole, reference: string | undefined) => {
    if (reference === undefined) return '$';
    const [, name, fallback] = REFERENCE.exec(reference) ?? [];
    if (name === undefined || fallback?.includes('$')) {
      expansion.unreadable += 1;
      return whole;
    }
    expansion.names.push(name);
    const value = variable(env, name) ?? fallback;
    if (value === undefined) expansion.unset.push(name);
    return value ?? '';
  });
  return expansion;
}
