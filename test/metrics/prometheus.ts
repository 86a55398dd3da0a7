/** A real Prometheus over the configuration that is shipped, with other targets and a shorter breath. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort } from '../support/free-port.js';
import { Program } from '../support/spawn.js';

export const monitoring = fileURLToPath(new URL('../../infra/monitoring/', import.meta.url));

interface Shipped {
  rule_files: string[];
  scrape_configs: {
    job_name: string;
    static_configs: { targets: string[] }[];
  }[];
}

export interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export class Prometheus {
  private constructor(
    private readonly program: Program,
    private readonly folder: string,
    readonly url: string,
  ) {}

  /** `targets`: by job, `host:port`. `token` goes where the configuration wants it. */
  static async start(
    targets: Readonly<Record<string, readonly string[]>>,
    token: string,
  ): Promise<Prometheus> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'prometheus-'));
    const shipped = parse(readFileSync(path.join(monitoring, 'prometheus.yml'), 'utf8')) as Shipped;
    const config = {
      ...shipped,
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: shipped.rule_files.map((file) => path.join(monitoring, file)),
      scrape_configs: shipped.scrape_configs.map((scrape) => ({
        ...scrape,
        static_configs: [{ targets: targets[scrape.job_name] ?? [] }],
      })),
    };
    writeFileSync(path.join(folder, 'admin-token'), token);
    writeFileSync(path.join(folder, 'prometheus.yml'), stringify(config));
    const address = `127.0.0.1:${String(await freePort())}`;
    const program = Program.start('prometheus', [
      `--config.file=${path.join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ]);
    const prometheus = new Prometheus(program, folder, `http://${address}`);
    try {
      await program.complaint(/Server is ready to receive web requests/);
    } catch (error) {
      await prometheus.stop();
      throw new Error('prometheus did not start: on Debian, apt-get install prometheus', { cause: error });
    }
    return prometheus;
  }

  /** An instant query; rejects with what Prometheus says when it cannot be read. */
  async query(expr: string): Promise<readonly Result[]> {
    const response = await fetch(`${this.url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expr }),
    });
    const { data, error } = (await response.json()) as { data?: { result: Result[] }; error?: string };
    if (data === undefined) throw new Error(`${error ?? 'no answer'}: ${expr}`);
    return data.result;
  }

  /**
   * What the query finds as soon as it finds anything: who could not be scraped in its second, on a busy machine, is not there
   * until the next. Nothing, after a dozen of them.
   */
  async found(expr: string): Promise<readonly Result[]> {
    for (let look = 0; look < 120; look += 1) {
      const results = await this.query(expr);
      if (results.length > 0) return results;
      await pause(100);
    }
    return [];
  }

  async stop(): Promise<void> {
    await this.program.stop().catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
