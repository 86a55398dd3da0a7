import { median, quantile } from './stats.mjs';

/**
 * Lets the load alternate between the servers and compares what they used. A round is one phase of each server and
 * then one of each in the opposite order (A B B A), so that a drift of the machine touches all alike. The ratio is the
 * median of the rounds' own ratios: with two raw servers and 100 ms phases it came out at 0.988 to 1.003 on a machine
 * that others kept busy, where the ratio of the medians over the rounds was 0.961 to 1.011.
 *
 * @param {{ name: string, usage(): Promise<{ cpuUs: number, parts?: Record<string, number> }> }[]} servers the first is
 *   the yardstick
 * @param {(index: number) => Promise<number>} phase runs a short load on one server; resolves to its messages
 * @returns one entry a server: median cpuUs per message, ratio with its quartiles over the rounds, messages, and the
 *   mean of each part of `usage` per message
 */
export async function compare(servers, rounds, phase) {
  const forth = servers.map((_, index) => index);
  const order = [...forth, ...forth.toReversed()];
  const perRound = servers.map(() => []);
  const messages = servers.map(() => 0);
  const parts = servers.map(() => ({}));
  for (let round = 0; round < rounds; round += 1) {
    const cpuUs = servers.map(() => 0);
    const count = servers.map(() => 0);
    for (const index of order) {
      const before = await servers[index].usage();
      count[index] += await phase(index);
      const after = await servers[index].usage();
      cpuUs[index] += after.cpuUs - before.cpuUs;
      for (const [part, spent] of Object.entries(after.parts ?? {})) {
        parts[index][part] = (parts[index][part] ?? 0) + spent - before.parts[part];
      }
    }
    servers.forEach((_, index) => {
      perRound[index].push(cpuUs[index] / count[index]);
      messages[index] += count[index];
    });
  }
  return servers.map(({ name }, index) => {
    const ratios = perRound[index].map((value, round) => value / perRound[0][round]);
    const perMessage = Object.entries(parts[index]).map(([part, spent]) => [part, spent / messages[index]]);
    return {
      name,
      messages: messages[index],
      cpuUs: median(perRound[index]),
      ratio: median(ratios),
      ratioLow: quantile(ratios, 0.25),
      ratioHigh: quantile(ratios, 0.75),
      parts: perMessage.length === 0 ? undefined : Object.fromEntries(perMessage),
    };
  });
}
