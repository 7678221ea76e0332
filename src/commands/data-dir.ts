import { loadConfig, SETTINGS } from '../config';

/**
 * Where the data directory is: GATEWAY_DATA_DIR, which needs no other setting to be right; else what a configuration file
 * says, which has to be right as a whole.
 */
export function readDataDir(options: {
  env: NodeJS.ProcessEnv;
  configFile?: string;
}): { dataDir: string } | { mistakes: string[] } {
  const { env, configFile } = options;
  if (env.GATEWAY_DATA_DIR) return { dataDir: env.GATEWAY_DATA_DIR };
  if (!configFile && !env.GATEWAY_CONFIG) return { dataDir: SETTINGS['queue.dataDir'].default };
  const loaded = loadConfig(options);
  if ('config' in loaded) return { dataDir: loaded.config.queue.dataDir };
  return { mistakes: [...loaded.mistakes, 'where the data directory is cannot be told: set GATEWAY_DATA_DIR'] };
}
