import { isIP } from 'node:net';
import { z } from 'zod';
import { parseHost, parseProxy } from './hosts';

/**
 * What a setting's value may be. One schema serves both sources: an environment variable is always text, and so is a
 * file's `${env:NAME}`, so every kind takes its value as text and as the YAML type.
 */
export interface Kind<T> {
  /** What would be right: completes "must be …" in a mistake and stands in the reference of settings. */
  expected: string;
  schema: z.ZodType<T>;
}

/** `wrong` completes "NAME …" and never holds the value: a secret may have been put into the wrong variable. */
export type Reading<T> = { value: T } | { wrong: string[] };

export function readAs<T>(kind: Kind<T>, raw: unknown): Reading<T> {
  const result = kind.schema.safeParse(raw);
  if (result.success) return { value: result.data };
  const wrong = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `entry ${Number(path[0]) + 1} ${message}`,
  );
  // YAML reads `1.10` as a number; guessing the text back from it would yield `1.1`.
  const isBare = typeof raw === 'number' || typeof raw === 'boolean';
  const needsQuotes = isBare && kind.schema.safeParse(String(raw)).success;
  return { wrong: needsQuotes ? ['must be text: put it in quotes'] : [...new Set(wrong)] };
}

export const integer = (range: { min: number; max: number }): Kind<number> =>
  kind(`a whole number from ${range.min} to ${range.max}`, (error) =>
    z.preprocess(
      (raw) => (typeof raw === 'string' && /^\s*\d+\s*$/.test(raw) ? Number(raw) : raw),
      z.int({ error }).min(range.min, { error }).max(range.max, { error }),
    ),
  );

/** Fractions are fine: one span in ten seconds is a rate. */
export const positive: Kind<number> = kind('a number above 0', (error) =>
  z.preprocess(
    (raw) => (typeof raw === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(raw) ? Number(raw) : raw),
    z.number({ error }).positive({ error }),
  ),
);

export const boolean: Kind<boolean> = kind('true or false', (error) =>
  z.preprocess((raw) => BOOLEAN_WORDS.get(lowerCased(raw)) ?? raw, z.boolean({ error })),
);

const BOOLEAN_WORDS = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
]);

export const oneOf = <const T extends string>(values: readonly [T, ...T[]]): Kind<T> =>
  kind(values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`, (error) =>
    z.preprocess(lowerCased, z.enum(values, { error })),
  );

export const text = (expected: string, pattern: RegExp): Kind<string> =>
  kind(expected, (error) => z.string({ error }).trim().regex(pattern, { error }));

export const path: Kind<string> = text('a path', /^[^\p{Cc}]+$/u);

/** Of a destination or a key, in metrics and log. */
export const label: Kind<string> = text('1 to 64 letters, digits and . _ -', /^[a-z0-9._-]{1,64}$/i);

/** Not trimmed: a blank at either end is a mistake worth a word, and cutting it would send another secret than configured. */
export const secret: Kind<string> = kind('visible ASCII characters without blanks', (error) =>
  z.string({ error }).regex(/^[\x21-\x7e]+$/, { error }),
);

/** Both keys travel as `Authorization: Basic base64(public:secret)`, so a colon would move the border between them. */
export const publicKey: Kind<string> = kind('visible ASCII characters without blanks and colons', (error) =>
  z.string({ error }).regex(/^[\x21-\x39\x3b-\x7e]+$/, { error }),
);

/** Text is split at commas and line ends, so that a `_FILE` may hold one entry per line. Empty entries are left out. */
export const list = (entry: Kind<string>): Kind<string[]> =>
  kind(`a list, each entry ${entry.expected}`, (error) =>
    z.preprocess(
      (raw) => {
        if (typeof raw === 'string') return raw.split(/[,\r\n]/).flatMap((part) => part.trim() || []);
        return Array.isArray(raw) ? raw.filter((part) => part !== '') : raw;
      },
      z.array(entry.schema, { error }),
    ),
  );

/**
 * A mapping whose keys are not ours. A value that is empty counts as not given, as everywhere.
 *
 * Entries are told by their number: a key of the mapping may be a secret in the wrong place.
 */
export const scalars: Kind<Record<string, string | number | boolean>> = kind(
  'a mapping, each value text, a number, true or false',
  (error) => {
    const wrong = { error: 'must have a name, and text, a number, true or false as its value' };
    const value = z.union([z.string(), z.number(), z.boolean(), z.null()], wrong);
    return z.preprocess(
      (raw) => (isMapping(raw) ? Object.entries(raw) : undefined),
      z.array(z.tuple([z.string().min(1, wrong), value]), { error }).transform((entries) => {
        const isGiven = (entry: (typeof entries)[number]): entry is [string, string | number | boolean] =>
          entry[1] !== null && entry[1] !== '';
        return Object.fromEntries(entries.filter(isGiven));
      }),
    );
  },
);

/** Milliseconds since the epoch. A blank may stand for the T, as in YAML; there a date alone is midnight UTC. */
export const moment: Kind<number> = kind(
  'a date (2027-12-31) or a date and a time with its zone (2027-12-31T18:00:00+02:00)',
  (error) => {
    const [date, time] = [z.iso.date(), z.iso.datetime({ offset: true })];
    const minutes = z.iso.datetime({ offset: true, precision: -1 });
    return z.preprocess(
      (raw) => {
        // YAML 1.1, where a file asks for it, has dates of its own.
        if (raw instanceof Date) return raw.toISOString();
        return typeof raw === 'string' ? raw.trim().toUpperCase().replace(/ +/, 'T') : raw;
      },
      z.union([date, time, minutes], { error }).transform((text) => Date.parse(text)),
    );
  },
);

export const sha256: Kind<string> = parsed('64 hex digits', (raw) =>
  /^[0-9a-f]{64}$/i.test(raw) ? raw.toLowerCase() : undefined,
);

/** What a key may be limited to: where spans are taken, and where they are flushed (receiver/paths). */
const KEY_PATHS = [
  ...['/v1/traces', '/api/public/otel/v1/traces', '/otel-ingest', '/api/span-forward/ingest'],
  ...['/flush', '/api/span-forward/flush'],
];

export const keyPath: Kind<string> = parsed(`one of ${KEY_PATHS.join(', ')}`, (raw) =>
  KEY_PATHS.find((path) => raw === path || raw === `${path}/`),
);

const proxy: Kind<string> = parsed('an address, a subnet (10.0.0.0/8), loopback, linklocal or uniquelocal', parseProxy);

/** What Express takes as `trust proxy`. */
export const trustProxy: Kind<boolean | number | string[]> = kind(
  'true, false, a whole number of proxies from 1 to 32, or a list of addresses, subnets (10.0.0.0/8) and the names loopback, linklocal, uniquelocal',
  (error) =>
    z.preprocess(
      (raw) =>
        typeof raw === 'string' && /^\s*\d+\s*$/.test(raw) ? Number(raw) : (BOOLEAN_WORDS.get(lowerCased(raw)) ?? raw),
      z.union([z.boolean(), z.int({ error }).min(1, { error }).max(32, { error }), list(proxy).schema], { error }),
    ),
);

export const host: Kind<string> = parsed('an IP address or a host name', parseHost);

export const baseUrl: Kind<string> = parsed(
  'an http:// or https:// URL without user, query, fragment and /api/public/otel',
  (raw) => {
    const url = parseHttpUrl(raw);
    const usable = url && !url.username && !url.password && !/[?#]|\/api\/public\/otel/.test(raw);
    return usable ? url.href.replace(/\/+$/, '') : undefined;
  },
);

/** As curl reads it: without a scheme it is http. May hold a password, which is why the variable counts as a secret. */
export const proxyUrl: Kind<string> = parsed(
  'an http:// or https:// URL',
  (raw) => parseHttpUrl(raw.includes('://') ? raw : `http://${raw}`)?.href,
);

export const corsOrigin: Kind<string> = parsed(
  '*, null, or an origin without a path: https://app.example.com, http://localhost:3000, https://*.example.com',
  (raw) => {
    const match = /^([a-z][a-z0-9+.-]*:\/\/)(\*\.)?([^\s/?#@*]+)$/i.exec(raw);
    if (!match) return raw === '*' || raw === 'null' ? raw : undefined;
    const [, scheme = '', wildcard = '', authority = ''] = match;
    const url = parseUrl(`${scheme}${authority}`);
    if (!url || (wildcard && isIP(url.hostname) !== 0)) return undefined;
    // Browsers send lower case, punycode and no default port; for schemes of their own (an extension's) URL has no origin.
    const origin = url.origin === 'null' ? `${scheme}${authority}`.toLowerCase() : url.origin;
    return wildcard ? origin.replace('://', `://${wildcard}`) : origin;
  },
);

function kind<T>(expected: string, schema: (error: string) => z.ZodType<T>): Kind<T> {
  return { expected, schema: schema(`must be ${expected}`) };
}

/** A kind whose text is brought into one form; `undefined` from `parse` means that it cannot be. */
function parsed(expected: string, parse: (raw: string) => string | undefined): Kind<string> {
  return kind(expected, (error) =>
    z.string({ error }).transform((raw, context) => {
      const value = parse(raw.trim());
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    }),
  );
}

/** The URL parser is lenient (`http:x`, tabs inside); what a person wrote that way is a slip. */
function parseHttpUrl(raw: string): URL | undefined {
  return /^https?:\/\/\S+$/i.test(raw) ? parseUrl(raw) : undefined;
}

function parseUrl(raw: string): URL | undefined {
  return URL.canParse(raw) ? new URL(raw) : undefined;
}

function isMapping(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}

function lowerCased(raw: unknown): unknown {
  return typeof raw === 'string' ? raw.trim().toLowerCase() : raw;
}
